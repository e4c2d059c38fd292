import type { FocusEvent, RefObject } from 'react';
import { useCallback, useLayoutEffect, useRef, useState } from 'react';

/** The one row of a list that Tab reaches, and how it moves. */
export interface IRoving {
  /** -1: none was visited yet. */
  activeIndex: number;
  focusOn: (index: number) => void;
  focusRow: (id: string) => void;
  onFocus: (event: FocusEvent) => void;
}

/** What the rows of a list are of: their elements have its name with `data-`. */
export type RowKind = 'run' | 'schedule';

/**
 * Keep track of the row that has, or had, the focus. Where it leaves the list while it has the
 * focus, the one that takes its place gets it.
 */
export function useRovingFocus(
  order: readonly string[],
  list: RefObject<HTMLElement>,
  kind: RowKind = 'run'
): IRoving {
  const rowElement = (id: string) =>
    list.current?.querySelector<HTMLElement>(`[data-${kind}="${CSS.escape(id)}"]`) ?? null;
  const [active, setActive] = useState<string | null>(null);
  const wanted = useRef<string | null>(null);
  const lastIndex = useRef(-1);

  const found = active === null ? -1 : order.indexOf(active);
  const isGone = active !== null && found < 0;
  const activeIndex = isGone ? Math.min(lastIndex.current, order.length - 1) : found;

  useLayoutEffect(() => {
    lastIndex.current = activeIndex;
    // what had the focus and is gone leaves it to the body
    const hasLostFocus = isGone && document.activeElement === document.body;
    const id = wanted.current ?? (hasLostFocus ? (order[activeIndex] ?? null) : null);
    if (id !== null) {
      wanted.current = null;
      rowElement(id)?.focus({ preventScroll: true });
    }
  });

  const focusRow = useCallback((id: string) => {
    wanted.current = id;
    setActive(id);
    // where it is the active one already, nothing is drawn anew
    const element = rowElement(id);
    if (element) {
      wanted.current = null;
      element.focus({ preventScroll: true });
    }
  }, []);
  const focusOn = (index: number) => {
    if (order[index] !== undefined) {
      focusRow(order[index]);
    }
  };
  const onFocus = useCallback((event: FocusEvent) => {
    const row = (event.target as HTMLElement).closest<HTMLElement>(`[data-${kind}]`);
    setActive(row?.dataset[kind] ?? null);
  }, []);
  return { activeIndex, focusOn, focusRow, onFocus };
}
