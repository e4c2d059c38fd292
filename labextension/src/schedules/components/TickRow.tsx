import type { TranslationBundle } from '@jupyterlab/translation';
import { formatDuration } from '../../format';
import type { IRun, ITick } from '../../wire';
import { exactText, nearText } from '../moments';
import { triggerText } from '../words';
import { Last } from './Last';

/** Seconds from which on a late start is worth a word. */
const LATE_S = 1;

/** One moment of a schedule: when it was due, what became of it, and a way to run it again. */
export function TickRow(props: {
  tick: ITick;
  run: IRun | undefined;
  zone: string;
  now: number;
  onOpen: (runId: string) => void;
  onAgain: (scheduledAt: string) => void;
  trans: TranslationBundle;
}): JSX.Element {
  const { tick, run, zone, now, onOpen, onAgain, trans } = props;
  const { scheduled_at, run_id, run_status, lag_s, revision, author, reason } = tick;
  const at = Date.parse(scheduled_at);
  const when = nearText(at, now, zone);
  const isOpenRun = (run?.status ?? run_status) !== null && run?.ended_at === null;
  const facts = [
    triggerText(tick, trans),
    lag_s !== null && lag_s >= LATE_S ? trans.__('%1 late', formatDuration(lag_s)) : '',
    revision ? trans.__('revision %1', revision) : '',
    author ? trans.__('by %1', author) : ''
  ].filter(Boolean);
  return (
    <li className="jp-Flotilla-tick">
      <span title={exactText(at, zone)}>{when}</span>
      <Last tick={tick} run={run} trans={trans} />
      <span className="jp-Flotilla-rowButtons">
        {run_id && run_status && (
          <button
            type="button"
            className="jp-Flotilla-chip"
            aria-label={trans.__('Open the run of %1', when)}
            onClick={() => onOpen(run_id)}
          >
            {trans.__('Open')}
          </button>
        )}
        <button
          type="button"
          className="jp-Flotilla-chip"
          aria-label={trans.__('Run %1 again', when)}
          title={trans.__('A new run, with the values of that moment')}
          disabled={isOpenRun || tick.status === 'WAITING' || tick.status === 'AWAITED'}
          onClick={() => onAgain(scheduled_at)}
        >
          {trans.__('Again')}
        </button>
      </span>
      {(facts.length > 0 || reason) && (
        <span className="jp-Flotilla-small">
          <bdi>{[...facts, reason].filter(Boolean).join(' · ')}</bdi>
        </span>
      )}
    </li>
  );
}
