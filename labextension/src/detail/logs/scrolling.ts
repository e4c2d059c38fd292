import type { Virtualizer } from '@tanstack/react-virtual';
import type { RefObject } from 'react';
import { useEffect, useLayoutEffect, useRef } from 'react';
import { stripAnsi } from './ansi';
import type { Line } from './lines';
import type { ILogSnapshot, ITarget, LogModel } from './log_model';

/** So many lines before the end of what is loaded, more is asked for. */
const AHEAD = 30;

type LogVirtualizer = Virtualizer<HTMLDivElement, Element>;

/** Return the index of a line by its key; where it is gone, of the first one after it. */
export function indexOfKey(lines: readonly Line[], key: string, seq: number): number {
  const exact = lines.findIndex(line => line.key === key);
  return exact >= 0 ? exact : lines.findIndex(line => line.seq >= seq);
}

/** Return the index of the line that a target means; -1: it is beyond the end. */
export function indexOfTarget(lines: readonly Line[], target: ITarget): number {
  const first = lines.findIndex(line => line.seq >= target.seq);
  if (!target.text || first < 0) {
    return first;
  }
  const wanted = target.text.toLowerCase();
  for (let at = first; at < lines.length && lines[at].seq === lines[first].seq; at++) {
    const line = lines[at];
    if (line.type === 'text' && stripAnsi(line.text).toLowerCase().includes(wanted)) {
      return at;
    }
  }
  // a line may begin in an earlier record than the one that has the text
  const before = lines[first - 1];
  const isBefore = before?.type === 'text' && stripAnsi(before.text).toLowerCase().includes(wanted);
  return isBefore ? first - 1 : first;
}

/** Keep what is in sight where it is when lines come before it, and go to where one wants to be. */
export function useScrolling(
  model: LogModel,
  shown: ILogSnapshot,
  virtual: LogVirtualizer,
  scroller: RefObject<HTMLDivElement>
): void {
  const { lines, isFollowing, target } = shown;
  const reached = useRef<ITarget | null>(null);
  const totalSize = virtual.getTotalSize();

  // lines have come or gone
  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element || lines.length === 0) {
      return;
    }
    if (isFollowing) {
      element.scrollTop = element.scrollHeight;
    } else if (target && reached.current !== target) {
      reached.current = target;
      const index = indexOfTarget(lines, target);
      virtual.scrollToIndex(index < 0 ? lines.length - 1 : index, {
        align: target.isFound ? 'center' : index < 0 ? 'end' : 'start'
      });
    } else if (model.anchor) {
      const { key, seq, offset } = model.anchor;
      const start = virtual.getOffsetForIndex(indexOfKey(lines, key, seq), 'start');
      if (start) {
        element.scrollTop = start[0] - offset;
      }
    }
  }, [lines, isFollowing, target]);

  // lines were measured, which takes a moment after they have come
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element && isFollowing) {
      element.scrollTop = element.scrollHeight;
    }
  }, [totalSize, isFollowing]);

  // remember what is in sight
  useEffect(() => {
    const element = scroller.current;
    const top = element?.scrollTop ?? 0;
    const first = virtual.getVirtualItems().find(item => item.end > top);
    const line = first && lines[first.index];
    if (first && line) {
      model.anchor = { key: line.key, seq: line.seq, offset: first.start - top };
    }
  });
}

/**
 * Load what comes before or after when one gets near it.
 *
 * Returns how to do so at once, where one has turned round without anything being drawn.
 */
export function useLoading(
  model: LogModel,
  shown: ILogSnapshot,
  virtual: LogVirtualizer
): () => void {
  const load = () => {
    const { lines, atStart, atEnd, isFollowing, isLoading, isStalled, error } = shown;
    const { range } = virtual;
    if (isLoading || isStalled || error || range === null) {
      return;
    }
    const isNearStart = range.startIndex < AHEAD;
    const isNearEnd = range.endIndex >= lines.length - AHEAD;
    if (isNearStart && !atStart && model.direction !== 'later') {
      void model.earlier();
    } else if (isNearEnd && !atEnd && !isFollowing && model.direction !== 'earlier') {
      void model.later();
    }
  };
  useEffect(load);
  return load;
}
