import type { FlotillaError } from './api';
import type { IFilters, ISubject } from './query';
import { NO_FILTERS } from './query';
import type { IStatus } from './wire';

/** How we stand with the server. `polling`: it answers, but its socket does not. */
export type Connection = 'connecting' | 'live' | 'polling' | 'offline';

/** What is to be seen at a moment; never changed, always replaced. */
export interface ISnapshot {
  /** Ids of the rows, in order. */
  order: readonly string[];
  /** How many runs match, loaded or not. */
  total: number;
  /** Nothing was loaded yet, or something else is on its way. */
  isLoading: boolean;
  hasLoaded: boolean;
  hasMore: boolean;
  error: FlotillaError | null;
  filters: IFilters;
  connection: Connection;
  /** When we last heard of the server, by our own clock; null: never. */
  heardAt: number | null;
  status: IStatus | null;
  subject: ISubject;
}

/** Before anything was asked. */
export const NOTHING_SEEN: ISnapshot = {
  order: [],
  total: 0,
  isLoading: true,
  hasLoaded: false,
  hasMore: false,
  error: null,
  filters: NO_FILTERS,
  connection: 'connecting',
  heardAt: null,
  status: null,
  subject: { owner: '', notebook: '' }
};
