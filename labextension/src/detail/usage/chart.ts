/** A point of a line. */
export interface IPoint {
  x: number;
  /** Null: nothing was measured. */
  y: number | null;
}

/** Where and how large a chart is drawn, in its own units. */
export interface IFrame {
  width: number;
  height: number;
  /** Largest values that it shows; both above 0. */
  xMost: number;
  yMost: number;
}

const short = (value: number) => Number(value.toFixed(1));

/** Return the path of a line through points; a gap where nothing was measured. */
export function linePath(points: readonly IPoint[], frame: IFrame): string {
  let path = '';
  let isPenUp = true;
  for (const { x, y } of points) {
    if (y === null || !Number.isFinite(x) || !Number.isFinite(y)) {
      isPenUp = true;
      continue;
    }
    path += `${isPenUp ? 'M' : 'L'}${short(xOf(x, frame))} ${short(yOf(y, frame))}`;
    isPenUp = false;
  }
  return path;
}

/** Return the area below a line without gaps; empty where there is none. */
export function areaPath(points: readonly IPoint[], frame: IFrame): string {
  const known = points.filter(point => point.y !== null);
  const line = linePath(known, frame);
  if (known.length < 2) {
    return '';
  }
  const [first, last] = [known[0], known[known.length - 1]];
  const base = short(frame.height);
  return `${line}L${short(xOf(last.x, frame))} ${base}L${short(xOf(first.x, frame))} ${base}Z`;
}

export function xOf(x: number, frame: IFrame): number {
  return (x / frame.xMost) * frame.width;
}

/** Values grow upwards, the page's downwards. */
export function yOf(y: number, frame: IFrame): number {
  return frame.height - (Math.min(y, frame.yMost) / frame.yMost) * frame.height;
}

/** Return round values from 0 to at least `most`, about `count` of them apart from 0. */
export function ticks(most: number, count: number): number[] {
  if (!(most > 0) || !Number.isFinite(most)) {
    return [0, 1];
  }
  const rough = most / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(one => one * power).find(one => one >= rough) ?? rough;
  const found = [0];
  while (found[found.length - 1] < most * 0.999) {
    found.push(Number((found.length * step).toPrecision(12)));
  }
  return found;
}

/** Like `ticks`, for sizes in MiB: steps are powers of two, so that labels are round. */
export function sizeTicks(most: number, count: number): number[] {
  if (!(most > 0) || !Number.isFinite(most)) {
    return [0, 1];
  }
  const step = 2 ** Math.ceil(Math.log2(most / count));
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, at) => at * step);
}

const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200];

/** Like `ticks`, for seconds: steps are those of clocks. None is beyond the end. */
export function timeTicks(most: number, count: number): number[] {
  const rough = most / count;
  const step = STEPS_S.find(one => one >= rough) ?? Math.ceil(rough / 86_400) * 86_400;
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, at) => at * step);
}
