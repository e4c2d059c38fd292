import type { TranslationBundle } from '@jupyterlab/translation';
import { defaultRangeExtractor, useVirtualizer } from '@tanstack/react-virtual';
import type { KeyboardEvent, MouseEvent } from 'react';
import { useCallback, useEffect, useRef } from 'react';
import type { IRow } from '../row';
import type { IRun } from '../wire';
import { useAnchor } from './anchor';
import type { IRowActions } from './keys';
import { ACTION_KEYS, plainKey, rowAfter } from './keys';
import { useRovingFocus } from './roving';
import { RunRow } from './RunRow';
import type { ITime } from './time';

/** Pixels; the same in `style/runs.css`. */
export const ROW_HEIGHT = 46;
/** So many rows before the end of what is loaded, more is asked for. */
const AHEAD = 40;

export interface IRunListProps {
  order: readonly string[];
  rowOf: (id: string) => IRow | undefined;
  total: number;
  hasMore: boolean;
  onMore: () => void;
  /** What the list is of: another value, another list. */
  list: unknown;
  actions: IRowActions;
  time: ITime;
  trans: TranslationBundle;
}

/** The rows of a list of runs: of thousands only those in sight are there. */
export function RunList(props: IRunListProps): JSX.Element {
  const { order, rowOf, total, hasMore, onMore, actions, time, trans } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const roving = useRovingFocus(order, scroller);
  const { activeIndex, focusOn, focusRow } = roving;
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

  useAnchor(scroller, order, virtual.range?.startIndex ?? 0, props.list, ROW_HEIGHT);

  const onMenu = useCallback(
    (run: IRun, x: number, y: number) => actions.menu(run, x, y, () => focusRow(run.id)),
    [actions, focusRow]
  );
  const runAt = (target: EventTarget): IRun | undefined => {
    const row = (target as HTMLElement).closest<HTMLElement>('[data-run]');
    return rowOf(row?.dataset.run ?? '')?.run;
  };
  /** Do what a key means; false: nothing. */
  const press = (key: string, run: IRun, target: HTMLElement, isShifted: boolean): boolean => {
    const rowsInSight = Math.floor((scroller.current?.clientHeight ?? 0) / ROW_HEIGHT);
    const place = rowAfter(key, order.indexOf(run.id), rowsInSight, order.length);
    const action = ACTION_KEYS[key];
    if (place !== undefined) {
      virtual.scrollToIndex(place);
      focusOn(place);
    } else if (key === 'Escape') {
      actions.leave();
    } else if (action && !(key === 'Enter' && target.tagName === 'BUTTON')) {
      actions[action](run);
    } else if (key === 'ContextMenu' || (isShifted && key === 'F10')) {
      const box = target.getBoundingClientRect();
      onMenu(run, box.left + 24, box.bottom - 8);
    } else {
      return false;
    }
    return true;
  };
  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    const run = runAt(event.target);
    const isForOthers = event.ctrlKey || event.metaKey || event.altKey;
    const target = event.target as HTMLElement;
    if (run && !isForOthers && press(plainKey(event.key), run, target, event.shiftKey)) {
      event.preventDefault();
      event.stopPropagation();
    }
  };
  const onClick = (event: MouseEvent<HTMLElement>) => {
    const run = runAt(event.target);
    const isOnName = (event.target as HTMLElement).closest('.jp-Flotilla-name bdi') !== null;
    if (run && (isOnName || event.detail === 2)) {
      actions.open(run);
    }
  };

  return (
    <div
      className="jp-Flotilla-scroller"
      ref={scroller}
      onKeyDown={onKeyDown}
      onClick={onClick}
    >
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
