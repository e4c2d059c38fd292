import type { ICostRow } from '../wire';

/** What a notebook, or a tag, has cost on all engines. */
export interface IGroup {
  /** The whole path, or the tag. */
  group: string;
  runs: number;
  /** US dollars that somebody pays. */
  billedUsd: number;
  /** US dollars that Fargate would have taken for what ran where nobody pays. */
  unbilledUsd: number;
  /** Of both, for attempts that failed. */
  failedUsd: number;
}

/** Return rows of several engines summed by group, the most expensive first. */
export function groupsOf(rows: readonly ICostRow[]): IGroup[] {
  const groups = new Map<string, IGroup>();
  for (const row of rows) {
    const known = groups.get(row.group) ?? {
      group: row.group,
      runs: 0,
      billedUsd: 0,
      unbilledUsd: 0,
      failedUsd: 0
    };
    groups.set(row.group, {
      ...known,
      runs: known.runs + row.runs,
      billedUsd: known.billedUsd + (row.is_billed ? row.usd : 0),
      unbilledUsd: known.unbilledUsd + (row.is_billed ? 0 : row.usd),
      failedUsd: known.failedUsd + row.failed_usd
    });
  }
  return [...groups.values()].sort(
    (a, b) => b.billedUsd - a.billedUsd || b.unbilledUsd - a.unbilledUsd
  );
}

/** What all of them have cost together. */
export interface ITotals {
  runs: number;
  billedUsd: number;
  unbilledUsd: number;
  billedRuns: number;
  unbilledRuns: number;
}

/** Return the sums over rows by engine, in which each attempt is once. */
export function totalsOf(rows: readonly ICostRow[]): ITotals {
  const totals = { runs: 0, billedUsd: 0, unbilledUsd: 0, billedRuns: 0, unbilledRuns: 0 };
  for (const row of rows) {
    totals.runs += row.runs;
    totals[row.is_billed ? 'billedUsd' : 'unbilledUsd'] += row.usd;
    totals[row.is_billed ? 'billedRuns' : 'unbilledRuns'] += row.runs;
  }
  return totals;
}

/** Return shares of the longest bar, from 0 to 1, of what is billed and what is not. */
export function barsOf(groups: readonly IGroup[]): { billed: number; unbilled: number }[] {
  const most = Math.max(0, ...groups.map(one => one.billedUsd + one.unbilledUsd));
  return groups.map(one => ({
    billed: most ? one.billedUsd / most : 0,
    unbilled: most ? one.unbilledUsd / most : 0
  }));
}
