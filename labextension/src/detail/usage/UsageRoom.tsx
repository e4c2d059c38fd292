import type { TranslationBundle } from '@jupyterlab/translation';
import { useSyncExternalStore } from 'react';
import { ErrorNote } from '../../components/ErrorNote';
import { formatDuration, formatMemory } from '../../format';
import type { IUsagePoints } from '../../wire';
import type { Polled } from '../polled';
import { usePolled } from '../use_polled';
import type { Visibility } from '../visible';
import { sizeTicks, ticks, timeTicks } from './chart';
import { LineChart } from './LineChart';

/** Rows of the table for those who cannot see the lines. */
const ROWS = 12;

type Points = IUsagePoints['points'];

/** Return some points, evenly apart, the first and the last among them. */
export function thinned<T>(points: readonly T[], most: number): T[] {
  if (points.length <= most) {
    return [...points];
  }
  const step = (points.length - 1) / (most - 1);
  return Array.from({ length: most }, (_, at) => points[Math.round(at * step)]);
}

function most(points: Points, key: 'memory_mib' | 'cpu_percent'): number {
  return points.reduce((highest, point) => Math.max(highest, point[key] ?? 0), 0);
}

/** Memory and CPU of an attempt over time. */
export function UsageRoom(props: {
  model: Polled<IUsagePoints>;
  visibility: Visibility;
  isGrowing: boolean;
  /** What the attempt has: drawn as the limit of CPU, too. */
  cpu: number | null;
  trans: TranslationBundle;
}): JSX.Element {
  const { model, visibility, isGrowing, cpu, trans } = props;
  usePolled(model, isGrowing, visibility);
  const { value, error, isLoading } = useSyncExternalStore(model.subscribe, model.snapshot);
  if (value === null && error) {
    return <ErrorNote error={error} onRetry={() => void model.refresh()} trans={trans} />;
  }
  if (value === null || value.points.length === 0) {
    const isWaiting = value === null || (isGrowing && isLoading);
    return (
      <p className="jp-Flotilla-loading">
        {isWaiting ? trans.__('Loading…') : trans.__('Nothing was measured.')}
      </p>
    );
  }
  const { points, limit_mib: limit } = value;
  const end = points[points.length - 1].t;
  const xTicks = timeTicks(end, 6).map(at => ({ at, text: at ? formatDuration(at) : '0' }));
  const peak = most(points, 'memory_mib');
  const busiest = most(points, 'cpu_percent');
  const memorySummary =
    trans.__('Memory over %1: at most %2', formatDuration(end), formatMemory(peak)) +
    (limit ? `, ${trans.__('limit %1', formatMemory(limit))}` : '');
  const cpuSummary = trans.__('CPU over %1: at most %2%', formatDuration(end), busiest.toFixed(0));
  return (
    <div className="jp-Flotilla-usage">
      {error && <ErrorNote error={error} onRetry={() => void model.refresh()} trans={trans} />}
      <LineChart
        title={memorySummary}
        summary={memorySummary}
        points={points.map(point => ({ x: point.t, y: point.memory_mib }))}
        xTicks={xTicks}
        yTicks={sizeTicks(Math.max(peak, limit ?? 0), 4).map(at => ({ at, text: formatMemory(at) }))}
        xMost={end}
        limit={limit ? { at: limit, text: trans.__('limit %1', formatMemory(limit)) } : null}
      />
      <LineChart
        title={cpuSummary}
        summary={cpuSummary}
        points={points.map(point => ({ x: point.t, y: point.cpu_percent }))}
        xTicks={xTicks}
        yTicks={ticks(Math.max(busiest, 100), 4).map(at => ({ at, text: `${at}%` }))}
        xMost={end}
        limit={
          // far above the line it would only flatten it
          cpu && busiest > cpu * 50
            ? { at: cpu * 100, text: trans.__('%1 vCPU', cpu) }
            : null
        }
      />
      <details className="jp-Flotilla-figures">
        <summary>{trans.__('As a table')}</summary>
        <table className="jp-Flotilla-table">
          <thead>
            <tr>
              <th scope="col">{trans.__('After')}</th>
              <th scope="col" data-number>
                {trans.__('Memory')}
              </th>
              <th scope="col" data-number>
                {trans.__('CPU')}
              </th>
            </tr>
          </thead>
          <tbody>
            {thinned(points, ROWS).map(point => (
              <tr key={point.t}>
                <th scope="row">{formatDuration(point.t)}</th>
                <td data-number>
                  {point.memory_mib === null ? '' : formatMemory(point.memory_mib)}
                </td>
                <td data-number>
                  {point.cpu_percent === null ? '' : `${point.cpu_percent.toFixed(0)}%`}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </div>
  );
}
