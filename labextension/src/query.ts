import { durationS } from './row';
import type { IRun, IRunQuery, RunStatus, SortKey } from './wire';

/** What the user has narrowed the list of runs to; kept over a reload. */
export interface IFilters {
  mine: boolean;
  failed: boolean;
  /** Running, or waiting to. */
  running: boolean;
  thisNotebook: boolean;
  text: string;
  sort: SortKey;
}

export const NO_FILTERS: IFilters = {
  mine: false,
  failed: false,
  running: false,
  thisNotebook: false,
  text: '',
  sort: 'created_at'
};

/** What filters are about: who "I" am, and which is "this notebook". */
export interface ISubject {
  owner: string;
  /** Relative to the server's root; empty: none is open. */
  notebook: string;
}

export const OPEN_STATUSES: readonly RunStatus[] = ['QUEUED', 'PENDING', 'RUNNING'];

const STATUS_ORDER: readonly RunStatus[] = [...OPEN_STATUSES, 'SUCCEEDED', 'FAILED', 'CANCELLED'];

/** Say whether a run goes on. */
export function isOpen(run: IRun): boolean {
  return OPEN_STATUSES.includes(run.status);
}

/** Say whether filters leave anything out. */
export function isNarrowed(filters: IFilters): boolean {
  const { mine, failed, running, thisNotebook, text } = filters;
  return mine || failed || running || thisNotebook || text.trim() !== '';
}

/** Return filters read from anything: what is no filter of ours is as if never set. */
export function readFilters(stored: unknown): IFilters {
  const found = (stored ?? {}) as { [name: string]: unknown };
  const read: { [name: string]: unknown } = { ...NO_FILTERS };
  for (const [name, value] of Object.entries(NO_FILTERS)) {
    if (typeof found[name] === typeof value) {
      read[name] = found[name];
    }
  }
  return SORTS.includes(read.sort as SortKey)
    ? (read as unknown as IFilters)
    : { ...(read as unknown as IFilters), sort: 'created_at' };
}

export const SORTS: readonly SortKey[] = ['created_at', 'name', 'status', 'duration', 'cost'];

/** Return filters as the server is asked. */
export function toQuery(filters: IFilters, subject: ISubject): IRunQuery {
  const status: RunStatus[] = [
    ...(filters.running ? OPEN_STATUSES : []),
    ...(filters.failed ? (['FAILED'] as const) : [])
  ];
  return {
    status,
    owner: filters.mine ? subject.owner : undefined,
    notebook: filters.thisNotebook ? subject.notebook : undefined,
    text: filters.text.trim() || undefined,
    sort: filters.sort,
    // names read from A, everything else from the newest or the most
    order: filters.sort === 'name' || filters.sort === 'status' ? 'asc' : 'desc'
  };
}

/** Say whether a run is among those that a query asks for, as the server would. */
export function matches(run: IRun, query: IRunQuery): boolean {
  const { status = [], owner, notebook, text } = query;
  if (status.length && !status.includes(run.status)) {
    return false;
  }
  if ((owner && run.owner !== owner) || (notebook && run.notebook !== notebook)) {
    return false;
  }
  if (!text) {
    return true;
  }
  const wanted = text.toLowerCase();
  const places = [run.name, run.path, run.id, run.owner, run.message];
  return places.some(place => place?.toLowerCase().includes(wanted));
}

function sortValue(run: IRun, sort: SortKey, now: number): number | string {
  switch (sort) {
    case 'name':
      return run.name;
    case 'status':
      return STATUS_ORDER.indexOf(run.status);
    case 'duration':
      return durationS(run, now);
    case 'cost':
      return run.cost_usd ?? -1;
    default:
      return run.created_at;
  }
}

/** Return which of two runs comes first in the list that a query asks for; negative: the first. */
export function compare(one: IRun, other: IRun, query: IRunQuery, now: number): number {
  const sort = query.sort ?? 'created_at';
  const [a, b] = [sortValue(one, sort, now), sortValue(other, sort, now)];
  const sign = query.order === 'asc' ? 1 : -1;
  if (a !== b) {
    return a < b ? -sign : sign;
  }
  return one.id === other.id ? 0 : one.id < other.id ? -sign : sign;
}
