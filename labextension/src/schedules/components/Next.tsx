import type { TranslationBundle } from '@jupyterlab/translation';
import { useSyncExternalStore } from 'react';
import type { ITime } from '../../components/time';
import type { ISchedule } from '../../wire';
import { exactText, nearText, untilText } from '../moments';
import { haltText } from '../words';

/** Milliseconds after which a distance is told anew. */
const STEP_MS = 10_000;

/** Return the server's time, to some seconds: what shows it is drawn anew no more often. */
export function useRoughNow(time: ITime): number {
  const now = () => Math.floor(time.clock.now() / STEP_MS) * STEP_MS;
  return useSyncExternalStore(time.ticker.subscribe, now);
}

/** When a schedule runs next, or why it does not. */
export function Next(props: {
  schedule: ISchedule;
  time: ITime;
  trans: TranslationBundle;
}): JSX.Element {
  const { schedule, time, trans } = props;
  const now = useRoughNow(time);
  const { next_at, zone } = schedule;
  if (next_at === null) {
    return <span className="jp-Flotilla-next">{haltText(schedule, trans)}</span>;
  }
  const at = Date.parse(next_at);
  const here = new Date(at).toLocaleString();
  return (
    <span
      className="jp-Flotilla-next"
      title={trans.__('%1; here %2', exactText(at, zone), here)}
    >
      {trans.__('next %1', nearText(at, now, zone))}{' '}
      <span className="jp-Flotilla-unit">{untilText(at, now, trans)}</span>
    </span>
  );
}
