import { formatDuration } from '../format';
import { durationS } from '../row';
import type { IRun } from '../wire';
import type { ITime } from './time';
import { useNow } from './time';

/** How long a run has run; grows each second while it does. */
export function Elapsed(props: { run: IRun; time: ITime }): JSX.Element {
  const { run, time } = props;
  const isGrowing = run.started_at !== null && run.ended_at === null;
  const now = useNow(time, isGrowing);
  const text = run.started_at ? formatDuration(durationS(run, now), isGrowing) : '';
  return <span className="jp-Flotilla-time">{text}</span>;
}
