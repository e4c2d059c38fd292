import type { TranslationBundle } from '@jupyterlab/translation';
import { useEffect, useRef } from 'react';

/** One schedule closer, in place of the list; Escape and a button lead back. */
export function CloserView(props: {
  title: string;
  onBack: () => void;
  children: React.ReactNode;
  trans: TranslationBundle;
}): JSX.Element {
  const { title, onBack, children, trans } = props;
  const back = useRef<HTMLButtonElement>(null);
  useEffect(() => back.current?.focus(), []);
  return (
    <div
      className="jp-Flotilla-closer"
      role="region"
      aria-label={title}
      onKeyDown={event => {
        if (event.key === 'Escape') {
          event.preventDefault();
          event.stopPropagation();
          onBack();
        }
      }}
    >
      <div className="jp-Flotilla-closerTitle">
        <button ref={back} type="button" className="jp-Flotilla-button" onClick={onBack}>
          {trans.__('‹ All schedules')}
        </button>
        <h3>
          <bdi>{title}</bdi>
        </h3>
      </div>
      {children}
    </div>
  );
}
