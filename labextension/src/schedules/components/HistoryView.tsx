import type { TranslationBundle } from '@jupyterlab/translation';
import type { ITime } from '../../components/time';
import { isolated } from '../../format';
import type { IRun, IScheduleDetail } from '../../wire';
import { exactText } from '../moments';
import { CloserView } from './CloserView';
import { useRoughNow } from './Next';
import { Placement } from './Placement';
import { TickRow } from './TickRow';
import { WaitingBackfill } from './WaitingBackfill';

/** What became of the ticks of a schedule, the latest first. */
export function HistoryView(props: {
  detail: IScheduleDetail;
  runs: ReadonlyMap<string, IRun>;
  onBack: () => void;
  onOpen: (runId: string) => void;
  onAgain: (scheduledAt: string) => void;
  /** Leave out what waits of a backfill. */
  onStop: () => void;
  time: ITime;
  trans: TranslationBundle;
}): JSX.Element {
  const { detail, runs, onBack, onOpen, onAgain, onStop, time, trans } = props;
  const { history, zone, revision, edited_by, edited_at } = detail;
  const now = useRoughNow(time);
  return (
    <CloserView
      title={trans.__('History of %1', detail.name)}
      onBack={onBack}
      trans={trans}
    >
      <p>
        <bdi>{detail.when_text}</bdi>
      </p>
      <p className="jp-Flotilla-small">
        <bdi>{detail.what_text}</bdi>
      </p>
      {detail.where === 'cloud' && (
        <p className="jp-Flotilla-small">
          {trans.__(
            'AWS starts it, whatever is switched off here. Its runs come here when somebody uses flotilla.'
          )}
        </p>
      )}
      <Placement schedule={detail} trans={trans} />
      <p className="jp-Flotilla-small">
        {trans.__(
          'Revision %1, edited by %2, %3',
          revision,
          isolated(edited_by),
          exactText(Date.parse(edited_at), zone)
        )}
      </p>
      <WaitingBackfill count={detail.backfill_waits} onStop={onStop} trans={trans} />
      {history.length === 0 && <p>{trans.__('No moment of it has come yet.')}</p>}
      <ol className="jp-Flotilla-ticks" aria-label={trans.__('History')}>
        {history.map(tick => (
          <TickRow
            key={tick.scheduled_at}
            tick={tick}
            run={runs.get(tick.run_id ?? '')}
            zone={zone}
            now={now}
            onOpen={onOpen}
            onAgain={onAgain}
            trans={trans}
          />
        ))}
      </ol>
    </CloserView>
  );
}
