import type { IRun } from './wire';

/** A run, and the moment whose truth it is: what a running one costs grows from there. */
export interface IRow {
  run: IRun;
  /** Milliseconds since 1970, by the server's clock. */
  asOf: number;
}

/** Seconds that a run has run, or did; 0 before it began. */
export function durationS(run: IRun, now: number): number {
  if (!run.started_at) {
    return 0;
  }
  const end = run.ended_at ? Date.parse(run.ended_at) : now;
  return Math.max(0, (end - Date.parse(run.started_at)) / 1000);
}

/** US dollars that a run has cost until now; null where that is unknown. */
export function costUsd(row: IRow, now: number): number | null {
  const { cost_usd, usd_per_h, status } = row.run;
  if (cost_usd === null || usd_per_h === null || status !== 'RUNNING') {
    return cost_usd;
  }
  return cost_usd + (usd_per_h * Math.max(0, now - row.asOf)) / 3_600_000;
}
