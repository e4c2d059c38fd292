import type { FocusEvent, RefObject } from 'react';
import { useCallback, useLayoutEffect, useRef, useState } from 'react';

/** The one row of a list that Tab reaches, and how it moves. */
export interface IRoving {
  /** -1: none was visited yet. */
  activeIndex: number;
  focusOn: (index: number) => void;
  focusRun: (id: string) => void;
  onFocus: (event: FocusEvent) => void;
}

function rowElement(list: HTMLElement | null, id: string): HTMLElement | null {
  return list?.querySelector<HTMLElement>(`[data-run="${CSS.escape(id)}"]`) ?? null;
}

/**
 * Keep track of the row that has, or had, the focus. Where it leaves the list while it has the
 * focus, the one that takes its place gets it.
 */
export function useRovingFocus(
  order: readonly string[],
  list: RefObject<HTMLElement>
): IRoving {
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
      rowElement(list.current, id)?.focus({ preventScroll: true });
    }
  });

  const focusRun = useCallback((id: string) => {
    wanted.current = id;
    setActive(id);
    // where it is the active one already, nothing is drawn anew
    const element = rowElement(list.current, id);
    if (element) {
      wanted.current = null;
      element.focus({ preventScroll: true });
    }
  }, []);
  const focusOn = (index: number) => {
    if (order[index] !== undefined) {
      focusRun(order[index]);
    }
  };
  const onFocus = useCallback((event: FocusEvent) => {
    const row = (event.target as HTMLElement).closest<HTMLElement>('[data-run]');
    setActive(row?.dataset.run ?? null);
  }, []);
  return { activeIndex, focusOn, focusRun, onFocus };
}
