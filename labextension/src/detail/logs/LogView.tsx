import type { TranslationBundle } from '@jupyterlab/translation';
import { useVirtualizer } from '@tanstack/react-virtual';
import type { KeyboardEvent, PointerEvent, WheelEvent } from 'react';
import { useRef } from 'react';
import type { ITextLine } from './lines';
import { LogLine } from './LogLine';
import type { Direction, ILogSnapshot, LogModel } from './log_model';
import { indexOfTarget, useLoading, useScrolling } from './scrolling';

/** Pixels of a line that is not wrapped; the same in `style/detail.css`. */
const LINE_HEIGHT = 18;

const UPWARDS = ['ArrowUp', 'PageUp', 'Home'];
const DOWNWARDS = ['ArrowDown', 'PageDown', 'End', ' '];

/** The lines of a log: of thousands only those in sight are there. */
export function LogView(props: {
  model: LogModel;
  shown: ILogSnapshot;
  search: string;
  isWrapped: boolean;
  isGrowing: boolean;
  onDownload: (line: ITextLine) => void;
  trans: TranslationBundle;
}): JSX.Element {
  const { model, shown, search, isWrapped, isGrowing, onDownload, trans } = props;
  const { lines, target } = shown;
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer<HTMLDivElement, Element>({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => LINE_HEIGHT,
    overscan: 10,
    getItemKey: index => lines[index]?.key ?? index
  });
  useScrolling(model, shown, virtual, scroller);
  const load = useLoading(model, shown, virtual);
  const current = target?.isFound ? indexOfTarget(lines, target) : -1;

  const isDragging = useRef(false);
  const lastTop = useRef(0);
  const go = (direction: Direction) => {
    model.direction = direction;
    if (direction !== 'later') {
      model.setFollowing(false);
    }
    load();
  };
  const onWheel = (event: WheelEvent) => {
    if (event.deltaY !== 0) {
      go(event.deltaY < 0 ? 'earlier' : 'later');
    }
  };
  const onPointerDown = (event: PointerEvent) => {
    // the scroll bar, which is no element
    isDragging.current = event.target === scroller.current;
    if (isDragging.current) {
      go('both');
    }
  };
  const onScroll = () => {
    const element = scroller.current!;
    if (isDragging.current) {
      model.direction = element.scrollTop < lastTop.current ? 'earlier' : 'later';
    }
    const isAtBottom = element.scrollHeight - element.scrollTop - element.clientHeight < 2;
    if (isAtBottom && shown.atEnd && isGrowing && element.scrollTop > lastTop.current) {
      model.setFollowing(true);
    }
    lastTop.current = element.scrollTop;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== scroller.current) {
      return;
    }
    if (UPWARDS.includes(event.key) || (event.key === ' ' && event.shiftKey)) {
      go('earlier');
    } else if (DOWNWARDS.includes(event.key)) {
      go('later');
    }
    if (event.key === 'Home') {
      event.preventDefault();
      void model.toStart();
    } else if (event.key === 'End') {
      event.preventDefault();
      void model.toEnd(isGrowing);
    }
  };
  return (
    <div
      className="jp-Flotilla-log"
      data-wrapped={isWrapped || undefined}
      ref={scroller}
      role="region"
      aria-label={trans.__('What the job has said')}
      tabIndex={0}
      onWheel={onWheel}
      onPointerDown={onPointerDown}
      onPointerUp={() => {
        isDragging.current = false;
      }}
      onTouchMove={() => go('both')}
      onScroll={onScroll}
      onKeyDown={onKeyDown}
    >
      <div className="jp-Flotilla-lines" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map(item => (
          <div
            key={item.key}
            ref={virtual.measureElement}
            data-index={item.index}
            className="jp-Flotilla-lineBox"
            style={{ transform: `translateY(${item.start}px)` }}
          >
            <LogLine
              line={lines[item.index]}
              search={search}
              isCurrent={item.index === current}
              onDownload={onDownload}
            />
          </div>
        ))}
      </div>
    </div>
  );
}
