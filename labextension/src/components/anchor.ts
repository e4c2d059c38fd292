import type { RefObject } from 'react';
import { useLayoutEffect, useRef } from 'react';

/**
 * Keep what is in sight where it is while rows come and go above it; another list begins at its
 * top.
 *
 * @param first - Index of the first row in sight.
 * @param list - What the list is of; where it changes, it is another one.
 */
export function useAnchor(
  scroller: RefObject<HTMLElement>,
  order: readonly string[],
  first: number,
  list: unknown,
  rowHeight: number
): void {
  const anchor = useRef<{ id: string; index: number } | null>(null);
  const lastOrder = useRef(order);
  const lastList = useRef(list);
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element && lastList.current !== list) {
      element.scrollTop = 0;
    } else if (element && lastOrder.current !== order && anchor.current) {
      const { id, index } = anchor.current;
      const now = order.indexOf(id);
      if (now >= 0 && now !== index && element.scrollTop >= rowHeight) {
        element.scrollTop += (now - index) * rowHeight;
        first += now - index;
      }
    }
    lastList.current = list;
    lastOrder.current = order;
    anchor.current = order[first] === undefined ? null : { id: order[first], index: first };
  });
}
