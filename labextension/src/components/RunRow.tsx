import type { TranslationBundle } from '@jupyterlab/translation';
import { ellipsesIcon } from '@jupyterlab/ui-components';
import { memo } from 'react';
import { statusText } from '../format';
import type { IRow } from '../row';
import type { IRun } from '../wire';
import { Cost } from './Cost';
import { Elapsed } from './Elapsed';
import { ProgressBar } from './ProgressBar';
import { StatusPill } from './StatusPill';
import type { ITime } from './time';

export interface IRunRowProps {
  row: IRow;
  /** From 1. */
  position: number;
  /** How many rows there are in all, loaded or not. */
  size: number;
  /** Pixels from the top of the list. */
  top: number;
  /** The one row of the list that Tab reaches. */
  isActive: boolean;
  onMenu: (run: IRun, x: number, y: number) => void;
  time: ITime;
  trans: TranslationBundle;
}

/** Return where a run comes from and where it runs, in few words. */
function originText(run: IRun): string {
  const file = (run.notebook ?? run.path ?? '').split('/').pop() ?? '';
  return [file === run.name ? '' : file, run.place || run.engine].filter(Boolean).join(' · ');
}

/** One run of the list. */
export const RunRow = memo(function RunRow(props: IRunRowProps): JSX.Element {
  const { row, position, size, top, isActive, onMenu, time, trans } = props;
  const { run } = row;
  return (
    <div
      className="jp-Flotilla-row"
      role="listitem"
      data-run={run.id}
      data-status={run.status}
      tabIndex={isActive ? 0 : -1}
      aria-posinset={position}
      aria-setsize={size}
      aria-label={`${run.name}, ${statusText(run, trans)}`}
      style={{ transform: `translateY(${top}px)` }}
      onContextMenu={event => {
        event.preventDefault();
        event.stopPropagation();
        onMenu(run, event.clientX, event.clientY);
      }}
    >
      <span className="jp-Flotilla-name" title={run.name}>
        <bdi>{run.name}</bdi>
      </span>
      <StatusPill run={run} trans={trans} />
      <span className="jp-Flotilla-origin" title={run.path ?? undefined}>
        <bdi>{originText(run)}</bdi>
      </span>
      <Elapsed run={run} time={time} />
      <Cost row={row} time={time} trans={trans} />
      {run.status === 'RUNNING' && run.progress && (
        <ProgressBar progress={run.progress} trans={trans} />
      )}
      <button
        type="button"
        className="jp-Flotilla-more"
        tabIndex={isActive ? 0 : -1}
        aria-haspopup="menu"
        aria-label={trans.__('Actions of %1', run.name)}
        title={trans.__('On a row: Enter opens, L logs, X cancels, R retries, C copies the id')}
        onClick={event => {
          const { left, bottom } = event.currentTarget.getBoundingClientRect();
          onMenu(run, left, bottom);
        }}
      >
        <ellipsesIcon.react tag="span" />
      </button>
    </div>
  );
});
