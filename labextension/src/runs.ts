import { ISignal, Signal } from '@lumino/signaling';
import type { FlotillaApi } from './api';
import { asFlotillaError } from './api';
import { ServerClock } from './clock';
import { RunList } from './list';
import type { IFilters } from './query';
import { NO_FILTERS, OPEN_STATUSES, toQuery } from './query';
import type { IRow } from './row';
import type { ISnapshot } from './snapshot';
import { NOTHING_SEEN } from './snapshot';
import { ChangesSocket } from './socket';
import type { ITransition } from './transitions';
import { OpenRuns } from './transitions';
import type { Change, IRun, IRunPage, IStatus } from './wire';
import { subscribed } from './subscribe';

/** Rows that one request brings. */
const PAGE_SIZE = 200;
/** How long to wait for the next letter of a search. */
const TYPING_MS = 200;
/** How long after changes the total is asked for anew, where it cannot be told from them. */
const RECOUNT_MS = 1000;

/** A window that comes back into sight after this long asks anew: its socket may be dead. */
const OLD_MS = 60_000;

export type { Connection, ISnapshot } from './snapshot';

/**
 * All that the front end knows of runs: one list with its filters, the runs that go on, and the
 * counts. It asks pages, takes what comes over the socket, and polls only where that is broken.
 */
export class RunsModel {
  constructor(readonly api: FlotillaApi) {
    this._socket = new ChangesSocket(api, {
      onChange: change => this._onChange(change),
      onBreak: () => void this._onBreak(),
      after: () => this._seq
    });
  }

  readonly clock = new ServerClock();

  /** Something that a snapshot holds has changed, or a row. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Runs have changed their status while we were looking. */
  get moved(): ISignal<this, ITransition[]> {
    return this._moved;
  }

  /** Runs that have changed in any way, whole: also those that the list does not show. */
  get received(): ISignal<this, IRun[]> {
    return this._received;
  }

  /** Ids of runs that are no longer there: cleaned away. */
  get removed(): ISignal<this, readonly string[]> {
    return this._removed;
  }

  /** All was fetched anew, since changes may have been missed. */
  get refreshed(): ISignal<this, void> {
    return this._refreshed;
  }

  /** Schedules are to be read anew. */
  get schedulesChanged(): ISignal<this, void> {
    return this._schedulesChanged;
  }

  /** Other runs go on than before, or they have another status. */
  get openChanged(): ISignal<this, void> {
    return this._openChanged;
  }

  /** For `useSyncExternalStore`. */
  subscribe = (callback: () => void): (() => void) => subscribed(this._changed, callback);

  /** What is to be seen now; the same object until something changes. */
  snapshot = (): ISnapshot => this._snapshot;

  /** A row of the list; undefined: it is not, or no longer, in it. */
  row(id: string): IRow | undefined {
    return this._list.row(id);
  }

  /** A run as last seen: in the list, or among those that go on. */
  find(id: string): IRun | undefined {
    return this._list.row(id)?.run ?? this._open.get(id);
  }

  /** All runs that go on, newest first. */
  get openRuns(): IRun[] {
    return this._open.runs;
  }

  /** Begin: with filters kept from before, if there are any. */
  async start(filters: IFilters = NO_FILTERS): Promise<void> {
    this._update({ filters });
    document.addEventListener('visibilitychange', this._onSight);
    window.addEventListener('online', this._onSight);
    await this.refresh();
    this._socket.connect();
  }

  /** Fetch everything anew, and connect at once where that is waiting for its next try. */
  async refresh(): Promise<boolean> {
    try {
      this._takeStatus(await this.api.status());
      const open = await this.api.runs({ status: [...OPEN_STATUSES], limit: 500 });
      this._open.reset(open.runs, Date.parse(open.now));
      this._openChanged.emit();
    } catch (thrown) {
      this._fail(thrown);
      return false;
    }
    this._refreshed.emit();
    return this._reload();
  }

  /** Tell the server, now and after each break, which notebooks this window looks after. */
  setOpenNotebooks(notebooks: readonly string[]): void {
    this._notebooks = notebooks;
    this._socket.send({ type: 'open', notebooks });
  }

  /** Try to reach the server now, and not after the pause. */
  async retryNow(): Promise<void> {
    this._socket.connect();
    await this.refresh();
  }

  /** Narrow or widen the list, or sort it otherwise. */
  setFilters(changes: Partial<IFilters>): void {
    const before = this._snapshot.filters;
    const filters = { ...before, ...changes };
    this._update({ filters, isLoading: true });
    window.clearTimeout(this._typing);
    const isTyping = filters.text !== before.text && filters.text !== '';
    this._typing = window.setTimeout(() => void this._reload(), isTyping ? TYPING_MS : 0);
  }

  /** Say which notebook is "this notebook"; empty: none. */
  setNotebook(notebook: string): void {
    const { subject, filters } = this._snapshot;
    if (notebook === subject.notebook) {
      return;
    }
    this._update({ subject: { ...subject, notebook } });
    if (filters.thisNotebook) {
      void this._reload();
    }
  }

  /** Fetch the next page, unless one is on its way. */
  async more(): Promise<void> {
    const cursor = this._list.next;
    if (cursor === null || this._isFetchingMore || this._snapshot.isLoading) {
      return;
    }
    this._isFetchingMore = true;
    const generation = this._generation;
    try {
      const page = await this.api.runs({ ...this._list.query, cursor, limit: 500 });
      if (generation === this._generation) {
        this._list.append(page);
        this._heard({ total: page.total });
      }
    } catch (thrown) {
      if (generation === this._generation) {
        this._fail(thrown);
      }
    } finally {
      this._isFetchingMore = false;
    }
  }

  /** Take a run that an answer has brought, without waiting for the socket. */
  take(run: IRun): void {
    this._takeRuns([run], this.clock.now());
  }

  dispose(): void {
    document.removeEventListener('visibilitychange', this._onSight);
    window.removeEventListener('online', this._onSight);
    window.clearTimeout(this._typing);
    window.clearTimeout(this._recount);
    this._abort.abort();
    this._socket.dispose();
    Signal.clearData(this);
  }

  private async _reload(): Promise<boolean> {
    const generation = ++this._generation;
    this._abort.abort();
    this._abort = new AbortController();
    this._late = [];
    const { filters, subject } = this._snapshot;
    const query = toQuery(filters, subject);
    this._update({ isLoading: true });
    try {
      const limit = Math.min(500, Math.max(PAGE_SIZE, this._list.order.length));
      const page = await this.api.runs({ ...query, limit }, this._abort.signal);
      if (generation === this._generation) {
        this._takePage(page, query);
      }
      return true;
    } catch (thrown) {
      if (generation === this._generation) {
        this._fail(thrown);
      }
      return false;
    }
  }

  private _takePage(page: IRunPage, query: RunList['query']): void {
    this.clock.learn(page.now);
    this._list = new RunList(query, page);
    this._seq = Math.max(this._seq, page.seq);
    // what came over the socket while the page was on its way may be newer
    const changed = this._list.apply(this._late, this.clock.now());
    this._late = [];
    this._heard({ total: page.total + changed.grownBy, isLoading: false, hasLoaded: true });
  }

  private _fail(thrown: unknown): void {
    const error = asFlotillaError(thrown);
    if (error.code === 'aborted') {
      return;
    }
    const isUnreachable = error.code === 'unreachable';
    const connection = isUnreachable ? 'offline' : this._snapshot.connection;
    this._update({ error, isLoading: false, connection });
  }

  private _onChange(change: Change): void {
    this._breaks = 0;
    switch (change.type) {
      case 'hello':
        this.clock.learn(change.now);
        this._heard({ connection: 'live' });
        if (this._notebooks.length) {
          this.setOpenNotebooks(this._notebooks);
        }
        if (!this._snapshot.hasLoaded) {
          void this.refresh();
        }
        break;
      case 'runs':
        this.clock.learn(change.now);
        this._seq = Math.max(this._seq, change.seq);
        this._takeRuns(change.runs, Date.parse(change.now));
        break;
      case 'gone':
        this._takeGone(change.ids);
        break;
      case 'reset':
        this._seq = change.seq;
        void this.refresh();
        break;
      case 'schedules':
        this._schedulesChanged.emit();
        break;
      case 'status':
        this._takeStatus(change);
        break;
    }
  }

  /** Machines sleep, and networks change, without a socket saying so. */
  private _onSight = (): void => {
    const age = Date.now() - (this._snapshot.heardAt ?? 0);
    if (document.visibilityState === 'visible' && age > OLD_MS) {
      void this.retryNow();
    }
  };

  private async _onBreak(): Promise<void> {
    this._breaks += 1;
    // the first try may well succeed: a server that restarts is no news
    if (this._breaks < 2 || document.visibilityState === 'hidden') {
      return;
    }
    const hasAll = await this.refresh();
    if (this._breaks > 0) {
      const isAway = !hasAll && this._snapshot.error?.code === 'unreachable';
      this._update({ connection: isAway ? 'offline' : 'polling' });
    }
  }

  private _takeRuns(runs: readonly IRun[], asOf: number): void {
    if (this._snapshot.isLoading) {
      this._late.push(...runs);
    }
    const transitions = this._open.apply(runs);
    const changed = this._list.apply(runs, asOf);
    if (!changed.isCounted) {
      this._recountLater();
    }
    this._heard({ total: Math.max(0, this._snapshot.total + changed.grownBy) });
    this._received.emit([...runs]);
    if (transitions.length) {
      this._moved.emit(transitions);
      this._openChanged.emit();
    }
  }

  private _takeGone(ids: readonly string[]): void {
    this._open.remove(ids);
    this._openChanged.emit();
    this._removed.emit(ids);
    const removed = this._list.remove(ids);
    if (removed < ids.length) {
      this._recountLater();
    }
    this._heard({ total: Math.max(0, this._snapshot.total - removed) });
  }

  private _takeStatus(status: IStatus): void {
    this.clock.learn(status.now);
    const subject = { ...this._snapshot.subject, owner: status.owner };
    this._heard({ status, subject });
  }

  /** Ask how many runs match, once it is quiet. */
  private _recountLater(): void {
    window.clearTimeout(this._recount);
    this._recount = window.setTimeout(() => {
      const generation = this._generation;
      this.api.runs({ ...this._list.query, limit: 1 }).then(
        page => generation === this._generation && this._heard({ total: page.total }),
        () => undefined // the socket says soon enough what is wrong
      );
    }, RECOUNT_MS);
  }

  private _heard(changes: Partial<ISnapshot>): void {
    const { connection } = this._snapshot;
    this._update({
      heardAt: Date.now(),
      error: null,
      connection: connection === 'offline' ? 'connecting' : connection,
      ...changes
    });
  }

  private _update(changes: Partial<ISnapshot>): void {
    const { order, next } = this._list;
    this._snapshot = { ...this._snapshot, ...changes, order, hasMore: next !== null };
    this._changed.emit();
  }

  private _list = new RunList({}, null);
  private _open = new OpenRuns();
  private _socket: ChangesSocket;
  private _snapshot = NOTHING_SEEN;
  private _late: IRun[] = [];
  private _notebooks: readonly string[] = [];
  private _seq = 0;
  private _breaks = 0;
  private _generation = 0;
  private _isFetchingMore = false;
  private _abort = new AbortController();
  private _typing = 0;
  private _recount = 0;
  private _changed = new Signal<this, void>(this);
  private _moved = new Signal<this, ITransition[]>(this);
  private _removed = new Signal<this, readonly string[]>(this);
  private _received = new Signal<this, IRun[]>(this);
  private _refreshed = new Signal<this, void>(this);
  private _openChanged = new Signal<this, void>(this);
  private _schedulesChanged = new Signal<this, void>(this);
}
