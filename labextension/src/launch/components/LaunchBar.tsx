import type { TranslationBundle } from '@jupyterlab/translation';
import type { FlotillaError } from '../../api';
import type { ILaunchSnapshot } from '../shown';
import { isTimed, isTyped } from '../timing';
import { hasWishes } from '../wishes';
import { Problem, problemOf } from './Problem';
import { Outcome } from './Outcome';
import { ceilingText, monthCeilingText, rateText } from './Price';

export interface ILaunchBarProps {
  idPrefix: string;
  shown: ILaunchSnapshot;
  /** What is wrong, where no field is to blame. */
  error: FlotillaError | null;
  /** Something is wrong with a field, which may be out of sight. */
  isFieldWrong: boolean;
  /** What was copied last; empty: nothing. */
  copied: string;
  onLaunch: () => void;
  /** Have the form save a schedule, or launch again. */
  onSchedule: (isScheduled: boolean) => void;
  onShowSchedules: () => void;
  /** Forget all that was typed. */
  onReset: () => void;
  onOpen: (id: string) => void;
  trans: TranslationBundle;
}

function shortText(props: ILaunchBarProps): string {
  const { shown, error, isFieldWrong, trans } = props;
  const { plan, schedule, isStale } = shown.planned;
  if (!shown.hasSubject) {
    return trans.__('Choose what to launch.');
  }
  if (isFieldWrong) {
    return trans.__('Something above is wrong.');
  }
  if (shown.timing && schedule) {
    return monthCeilingText(schedule, trans);
  }
  if (plan) {
    return `${rateText(plan, trans)}, ${ceilingText(plan, trans)}`;
  }
  if (shown.timing && !isTimed(shown.timing)) {
    return trans.__('Say when it is to run.');
  }
  return isStale && !error ? trans.__('Asking for the price…') : '';
}

/** Return what the button does. */
function actionText({ timing }: ILaunchSnapshot, trans: TranslationBundle): string {
  if (timing === null) {
    return trans.__('Launch');
  }
  return timing.edited ? trans.__('Save changes') : trans.__('Save schedule');
}

/** The button and the price, always in sight, and what became of the launch. */
export function LaunchBar(props: ILaunchBarProps): JSX.Element {
  const { idPrefix, shown, error, copied, onLaunch, onSchedule, onReset, trans } = props;
  const { progress, planned, hasSubject, wishes, timing } = shown;
  const isBusy = progress.step === 'saving' || progress.step === 'launching';
  const describedBy = error ? `${idPrefix}problem` : `${idPrefix}price`;
  return (
    <div className="jp-Flotilla-launchBar">
      {error && (
        <div role="alert">
          <Problem id={`${idPrefix}problem`} problem={problemOf(error)} />
        </div>
      )}
      <div className="jp-Flotilla-launchRow">
        <button
          type="button"
          className="jp-Flotilla-button"
          data-kind="primary"
          disabled={!hasSubject || (timing !== null && !isTimed(timing))}
          // it keeps the focus while it is at work
          aria-disabled={isBusy || undefined}
          aria-describedby={describedBy}
          onClick={onLaunch}
        >
          {actionText(shown, trans)}
        </button>
        <button
          type="button"
          className="jp-Flotilla-button"
          title={
            timing ? trans.__('Save nothing, and launch as before') : trans.__('Run it again and again')
          }
          onClick={() => onSchedule(timing === null)}
        >
          {timing ? trans.__('Cancel') : trans.__('Schedule…')}
        </button>
        <span
          id={`${idPrefix}price`}
          className="jp-Flotilla-short"
          data-stale={planned.isStale || undefined}
        >
          {shortText(props)}
        </span>
        {(hasWishes(wishes) || (timing !== null && isTyped(timing))) && (
          <button
            type="button"
            className="jp-Flotilla-plain"
            title={trans.__('Forget what was typed here for this')}
            onClick={onReset}
          >
            {trans.__('Reset')}
          </button>
        )}
      </div>
      <Outcome
        progress={progress}
        copied={copied}
        onOpen={props.onOpen}
        onShowSchedules={props.onShowSchedules}
        trans={trans}
      />
    </div>
  );
}
