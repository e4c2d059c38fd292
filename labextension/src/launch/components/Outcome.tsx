import type { TranslationBundle } from '@jupyterlab/translation';
import type { Progress } from '../model';

/** Return how far the launch is, in words; empty: none was asked for. */
export function progressText(progress: Progress, trans: TranslationBundle): string {
  switch (progress.step) {
    case 'saving':
      return trans.__('Saving the notebook…');
    case 'launching':
      return trans.__('Launching…');
    case 'launched': {
      const { run, runs, isSaved } = progress;
      const launched =
        runs > 1
          ? trans.__('Launched %1 runs, the first is %2.', runs, run.short_id)
          : trans.__('Launched %1.', run.short_id);
      return isSaved ? trans.__('Saved the notebook. %1', launched) : launched;
    }
    default:
      return '';
  }
}

/** How far the launch is; read aloud, and with a way to the run. */
export function Outcome(props: {
  progress: Progress;
  /** What was copied last; empty: nothing. */
  copied: string;
  onOpen: (id: string) => void;
  trans: TranslationBundle;
}): JSX.Element {
  const { progress, copied, onOpen, trans } = props;
  const text = progressText(progress, trans) || copied;
  return (
    <div className="jp-Flotilla-outcome">
      <span role="status">{text}</span>
      {progress.step === 'launched' && (
        <button
          type="button"
          className="jp-Flotilla-plain"
          onClick={() => onOpen(progress.run.id)}
        >
          {trans.__('Open')}
        </button>
      )}
    </div>
  );
}
