import { caretDownIcon, caretRightIcon } from '@jupyterlab/ui-components';
import { useId } from 'react';

/** A part of the form that opens and closes. */
export function Part(props: {
  title: string;
  /** Beside the title: what is in it, in short. */
  note?: string;
  isOpen: boolean;
  onOpen: (isOpen: boolean) => void;
  children: React.ReactNode;
}): JSX.Element {
  const { title, note, isOpen, onOpen, children } = props;
  const id = useId();
  const Caret = isOpen ? caretDownIcon : caretRightIcon;
  return (
    <div className="jp-Flotilla-part">
      <button
        type="button"
        className="jp-Flotilla-partTitle"
        aria-expanded={isOpen}
        aria-controls={isOpen ? id : undefined}
        onClick={() => onOpen(!isOpen)}
      >
        <Caret.react tag="span" className="jp-Flotilla-caret" />
        <span>{title}</span>
        {note && <span className="jp-Flotilla-unit">{note}</span>}
      </button>
      {isOpen && (
        <div id={id} className="jp-Flotilla-partBody">
          {children}
        </div>
      )}
    </div>
  );
}
