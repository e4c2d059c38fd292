import type { TranslationBundle } from '@jupyterlab/translation';
import type { FlotillaError } from '../../api';
import type { ILaunchSnapshot } from '../model';
import { hasWishes } from '../wishes';
import { Problem, problemOf } from './Problem';
import { Outcome } from './Outcome';
import { ceilingText, rateText } from './Price';

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
  /** Forget all that was typed. */
  onReset: () => void;
  onOpen: (id: string) => void;
  trans: TranslationBundle;
}

function shortText(props: ILaunchBarProps): string {
  const { shown, error, isFieldWrong, trans } = props;
  const { plan, isStale } = shown.planned;
  if (!shown.hasSubject) {
    return trans.__('Choose what to launch.');
  }
  if (isFieldWrong) {
    return trans.__('Something above is wrong.');
  }
  if (plan) {
    return `${rateText(plan, trans)}, ${ceilingText(plan, trans)}`;
  }
  return isStale && !error ? trans.__('Asking for the price…') : '';
}

/** The button and the price, always in sight, and what became of the launch. */
export function LaunchBar(props: ILaunchBarProps): JSX.Element {
  const { idPrefix, shown, error, copied, onLaunch, onReset, onOpen, trans } = props;
  const { progress, planned, hasSubject, wishes } = shown;
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
          disabled={!hasSubject}
          // it keeps the focus while it is at work
          aria-disabled={isBusy || undefined}
          aria-describedby={describedBy}
          onClick={onLaunch}
        >
          {trans.__('Launch')}
        </button>
        <span
          id={`${idPrefix}price`}
          className="jp-Flotilla-short"
          data-stale={planned.isStale || undefined}
        >
          {shortText(props)}
        </span>
        {hasWishes(wishes) && (
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
      <Outcome progress={progress} copied={copied} onOpen={onOpen} trans={trans} />
    </div>
  );
}
