import type { TranslationBundle } from '@jupyterlab/translation';
import { formatCost } from '../format';
import type { IRow } from '../row';
import { costUsd } from '../row';
import type { ITime } from './time';
import { useNow } from './time';

/** What a run has cost so far; grows each second while it runs. */
export function Cost(props: { row: IRow; time: ITime; trans: TranslationBundle }): JSX.Element {
  const { row, time, trans } = props;
  const { run } = row;
  const isGrowing = run.status === 'RUNNING' && run.usd_per_h !== null;
  const now = useNow(time, isGrowing);
  const title = run.is_billed
    ? trans.__('What it has cost')
    : trans.__('Nobody pays here; on Fargate it would be this much');
  return (
    <span className="jp-Flotilla-cost" title={title}>
      {formatCost(run, costUsd(row, now))}
    </span>
  );
}
