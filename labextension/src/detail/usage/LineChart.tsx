import type { RefObject } from 'react';
import { useLayoutEffect, useRef, useState } from 'react';
import type { IFrame, IPoint } from './chart';
import { areaPath, linePath, xOf, yOf } from './chart';

/** Pixels, but for the width: that is what there is, up to a measure. */
const WIDTH_MOST = 900;
const HEIGHT = 180;
const LEFT = 56;
const RIGHT = 12;
const TOP = 14;
const BOTTOM = 24;

/** A value with its words. */
export interface ITick {
  at: number;
  text: string;
}

/** Return how wide an element is, also when that changes. */
function useWidth(place: RefObject<HTMLElement>): number {
  const [width, setWidth] = useState(WIDTH_MOST);
  useLayoutEffect(() => {
    const element = place.current!;
    const measure = () => {
      if (element.clientWidth > 0) {
        setWidth(Math.min(WIDTH_MOST, element.clientWidth));
      }
    };
    measure();
    const watcher = new ResizeObserver(measure);
    watcher.observe(element);
    return () => watcher.disconnect();
  }, [place]);
  return width;
}

/** A line over time, with a limit drawn in. */
export function LineChart(props: {
  title: string;
  /** What the line says, for those who cannot see it. */
  summary: string;
  points: readonly IPoint[];
  xTicks: readonly ITick[];
  yTicks: readonly ITick[];
  xMost: number;
  limit: ITick | null;
}): JSX.Element {
  const { title, summary, points, xTicks, yTicks, xMost, limit } = props;
  const place = useRef<HTMLElement>(null);
  const width = useWidth(place);
  const yMost = Math.max(yTicks[yTicks.length - 1]?.at ?? 1, limit?.at ?? 0, 1e-9);
  const frame: IFrame = {
    width: Math.max(60, width - LEFT - RIGHT),
    height: HEIGHT - TOP - BOTTOM,
    xMost: Math.max(xMost, 1e-9),
    yMost
  };
  const yOfLimit = limit ? yOf(limit.at, frame) : 0;
  return (
    <figure className="jp-Flotilla-chart" ref={place}>
      <figcaption>{title}</figcaption>
      <svg role="img" aria-label={summary} width={width} height={HEIGHT}>
        <g transform={`translate(${LEFT} ${TOP})`} aria-hidden="true">
          {yTicks.map(tick => (
            <g key={tick.at} transform={`translate(0 ${yOf(tick.at, frame)})`}>
              <line className="jp-Flotilla-grid" x2={frame.width} />
              <text x={-6} dy="0.32em" textAnchor="end">
                {tick.text}
              </text>
            </g>
          ))}
          {xTicks.map(tick => (
            <text
              key={tick.at}
              x={xOf(tick.at, frame)}
              y={frame.height + 16}
              textAnchor={tick.at === 0 ? 'start' : 'middle'}
            >
              {tick.text}
            </text>
          ))}
          <path className="jp-Flotilla-area" d={areaPath(points, frame)} />
          <path className="jp-Flotilla-curve" d={linePath(points, frame)} />
          {limit && (
            <>
              <line
                className="jp-Flotilla-limit"
                x2={frame.width}
                y1={yOfLimit}
                y2={yOfLimit}
              />
              <text
                className="jp-Flotilla-limitText"
                x={frame.width}
                y={yOfLimit + (yOfLimit < 16 ? 13 : -4)}
                textAnchor="end"
              >
                {limit.text}
              </text>
            </>
          )}
        </g>
      </svg>
    </figure>
  );
}
