import type { TranslationBundle } from '@jupyterlab/translation';
import { Cost } from '../../components/Cost';
import { Elapsed } from '../../components/Elapsed';
import { ProgressBar } from '../../components/ProgressBar';
import type { ITime } from '../../components/time';
import { barless } from '../../detail/components/Header';
import { formatMemory, formatMoney } from '../../format';
import { isOpen } from '../../query';
import type { IRow } from '../../row';
import type { IRun } from '../../wire';

/** How far a run is, how long it took, and what it used and cost. */
export function CardFacts(props: {
  row: IRow;
  time: ITime;
  trans: TranslationBundle;
}): JSX.Element {
  const { row, time, trans } = props;
  const { run } = row;
  const isGoingOn = isOpen(run);
  return (
    <>
      {run.status === 'RUNNING' && run.progress && (
        <div className="jp-Flotilla-cardProgress">
          <ProgressBar progress={run.progress} trans={trans} />
          <span title={run.progress.text}>{barless(run.progress.text)}</span>
        </div>
      )}
      <p className="jp-Flotilla-cardFacts">
        {run.started_at && <Elapsed run={run} time={time} />}
        <Memory run={run} trans={trans} />
        {run.status === 'RUNNING' && run.usage && (
          <span>{trans.__('CPU %1 %', Math.round(run.usage.cpu_percent))}</span>
        )}
        {run.cost_usd !== null && (
          <span className="jp-Flotilla-cardCost">
            <Cost row={row} time={time} trans={trans} />
            {isGoingOn && run.ceiling_usd !== null && (
              <> {trans.__('of at most %1', formatMoney(run.ceiling_usd))}</>
            )}
          </span>
        )}
      </p>
    </>
  );
}

/** Memory against its limit: now while it runs, at most at its end. */
function Memory(props: { run: IRun; trans: TranslationBundle }): JSX.Element | null {
  const { run, trans } = props;
  if (!run.usage) {
    return null;
  }
  const limit = run.resources.memory_mib;
  const isRunning = run.status === 'RUNNING';
  const used = isRunning ? run.usage.memory_mib : run.usage.peak_memory_mib;
  const label = isRunning ? trans.__('Memory') : trans.__('Peak memory');
  if (limit === null) {
    return (
      <span>
        {label} {formatMemory(used)}
      </span>
    );
  }
  return (
    <span className="jp-Flotilla-cardMemory">
      {trans.__('%1 %2 of %3', label, formatMemory(used), formatMemory(limit))}
      <meter aria-label={label} min={0} max={limit} high={limit * 0.9} value={used} />
    </span>
  );
}
