import type { TranslationBundle } from '@jupyterlab/translation';
import { defaultRangeExtractor, useVirtualizer } from '@tanstack/react-virtual';
import type { KeyboardEvent } from 'react';
import { useCallback, useEffect, useRef } from 'react';
import type { IRow } from '../row';
import type { IRun } from '../wire';
import { useRovingFocus } from './roving';
import { RunRow } from './RunRow';
import type { ITime } from './time';

/** Pixels; the same in `style/runs.css`. */
export const ROW_HEIGHT = 46;
/** So many rows before the end of what is loaded, more is asked for. */
const AHEAD = 40;

/** What the keys on a row do. */
export interface IRowActions {
  open(run: IRun): void;
  logs(run: IRun): void;
  cancel(run: IRun): void;
  retry(run: IRun): void;
  copyId(run: IRun): void;
  /** Show the menu of a run; `onClose` is called when it is gone. */
  menu(run: IRun, x: number, y: number, onClose: () => void): void;
  /** Leave the list. */
  leave(): void;
}

export interface IRunListProps {
  order: readonly string[];
  rowOf: (id: string) => IRow | undefined;
  total: number;
  hasMore: boolean;
  onMore: () => void;
  actions: IRowActions;
  time: ITime;
  trans: TranslationBundle;
}

const KEYS: { [key: string]: 'open' | 'logs' | 'cancel' | 'retry' | 'copyId' } = {
  Enter: 'open',
  l: 'logs',
  x: 'cancel',
  r: 'retry',
  c: 'copyId'
};

/** The rows of a list of runs: of thousands only those in sight are there. */
export function RunList(props: IRunListProps): JSX.Element {
  const { order, rowOf, total, hasMore, onMore, actions, time, trans } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const roving = useRovingFocus(order, scroller);
  const { activeIndex, focusOn } = roving;
  const virtual = useVirtualizer({
    count: order.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 8,
    getItemKey: index => order[index] ?? index,
    // the row that has the focus stays, wherever one scrolls
    rangeExtractor: range => {
      const inSight = defaultRangeExtractor(range);
      const isApart = activeIndex >= 0 && !inSight.includes(activeIndex);
      return isApart ? [...inSight, activeIndex].sort((a, b) => a - b) : inSight;
    }
  });
  const items = virtual.getVirtualItems();
  const last = virtual.range?.endIndex ?? 0;
  useEffect(() => {
    if (hasMore && last >= order.length - AHEAD) {
      onMore();
    }
  }, [hasMore, last, order.length, onMore]);

  const goTo = (index: number) => {
    const clamped = Math.max(0, Math.min(order.length - 1, index));
    virtual.scrollToIndex(clamped);
    focusOn(clamped);
  };
  const onMenu = useCallback(
    (run: IRun, x: number, y: number) => actions.menu(run, x, y, () => roving.focusRun(run.id)),
    [actions, roving.focusRun]
  );
  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    const target = event.target as HTMLElement;
    const run = rowOf(target.closest<HTMLElement>('[data-run]')?.dataset.run ?? '')?.run;
    const isOnButton = target.tagName === 'BUTTON';
    if (!run || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / ROW_HEIGHT) - 1);
    const index = order.indexOf(run.id);
    const places: { [key: string]: number } = {
      ArrowDown: index + 1,
      j: index + 1,
      ArrowUp: index - 1,
      k: index - 1,
      PageDown: index + page,
      PageUp: index - page,
      Home: 0,
      End: order.length - 1
    };
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (key in places) {
      goTo(places[key]);
    } else if (key === 'Escape') {
      actions.leave();
    } else if (key in KEYS && !(isOnButton && key === 'Enter')) {
      actions[KEYS[key]](run);
    } else if (key === 'ContextMenu' || (event.shiftKey && key === 'F10')) {
      const box = target.getBoundingClientRect();
      onMenu(run, box.left + 24, box.bottom - 8);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div className="jp-Flotilla-scroller" ref={scroller} onKeyDown={onKeyDown}>
      <div
        role="list"
        aria-label={trans.__('Runs')}
        className="jp-Flotilla-rows"
        style={{ height: virtual.getTotalSize() }}
        onFocus={roving.onFocus}
      >
        {items.map(item => {
          const row = rowOf(order[item.index]);
          return (
            row && (
              <RunRow
                key={item.key}
                row={row}
                position={item.index + 1}
                size={Math.max(total, order.length)}
                top={item.start}
                isActive={item.index === Math.max(0, activeIndex)}
                onMenu={onMenu}
                time={time}
                trans={trans}
              />
            )
          );
        })}
      </div>
      {hasMore && <p className="jp-Flotilla-loading">{trans.__('Loading more…')}</p>}
    </div>
  );
}
