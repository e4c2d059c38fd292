import type { LabIcon } from '@jupyterlab/ui-components';
import { ReactWidget } from '@jupyterlab/ui-components';

/** Return a button for the title of a section, whose own click folds the section. */
export function titleButton(name: string, icon: LabIcon, onClick: () => void): ReactWidget {
  return ReactWidget.create(
    <button
      type="button"
      className="jp-Flotilla-more"
      aria-label={name}
      title={name}
      onClick={event => {
        event.stopPropagation();
        onClick();
      }}
    >
      <icon.react tag="span" />
    </button>
  );
}
