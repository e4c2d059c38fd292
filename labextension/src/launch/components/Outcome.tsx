import type { TranslationBundle } from '@jupyterlab/translation';
import { isolated } from '../../format';
import { WakingNote } from '../../schedules/components/WakingNote';
import { exactText } from '../../schedules/moments';
import { haltText } from '../../schedules/words';
import type { Progress } from '../shown';

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
    case 'scheduled':
      return scheduledText(progress, trans);
    default:
      return '';
  }
}

function scheduledText(
  { schedule, isNew }: Extract<Progress, { step: 'scheduled' }>,
  trans: TranslationBundle
): string {
  const { next_at, zone } = schedule;
  const name = isolated(schedule.name);
  const saved = isNew ? trans.__('Saved %1.', name) : trans.__('Saved the changes of %1.', name);
  if (next_at !== null && schedule.where === 'cloud') {
    const at = exactText(Date.parse(next_at), zone);
    return trans.__('%1 AWS starts it next: %2, whatever is switched off here.', saved, at);
  }
  return next_at === null
    ? trans.__('%1 No moment is to come: %2.', saved, haltText(schedule, trans))
    : trans.__('%1 It runs next: %2.', saved, exactText(Date.parse(next_at), zone));
}

/** How far the launch is; read aloud, and with a way to the run. */
export function Outcome(props: {
  progress: Progress;
  /** What was copied last; empty: nothing. */
  copied: string;
  onOpen: (id: string) => void;
  onShowSchedules: () => void;
  trans: TranslationBundle;
}): JSX.Element {
  const { progress, copied, onOpen, onShowSchedules, trans } = props;
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
      {progress.step === 'scheduled' && (
        <button type="button" className="jp-Flotilla-plain" onClick={onShowSchedules}>
          {trans.__('Show schedules')}
        </button>
      )}
      {progress.step === 'scheduled' && progress.note && <WakingNote text={progress.note} />}
    </div>
  );
}
