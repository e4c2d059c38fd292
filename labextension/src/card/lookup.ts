import { ISignal, Signal } from '@lumino/signaling';
import type { FlotillaError } from '../api';
import { asFlotillaError } from '../api';
import { isOpen } from '../query';
import type { IRow } from '../row';
import type { RunsModel } from '../runs';
import type { IRun } from '../wire';

/** Ids that one request asks for; more the server refuses. */
const MOST_IDS = 200;
/** How long further ids are waited for, so that a notebook's are asked for together. */
const GATHERING_MS = 30;
/** How long after a failure it is asked again; each further time twice as long. */
const PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 60_000;

/** What is known of a run by its id; never changed, always replaced. */
export type Known =
  | { state: 'asking'; error: FlotillaError | null }
  | { state: 'here'; row: IRow }
  /** It was in the store, and is not any more. */
  | { state: 'gone'; row: IRow }
  /** It is not in the store of this server. */
  | { state: 'elsewhere' };

const ASKING: Known = { state: 'asking', error: null };
const ELSEWHERE: Known = { state: 'elsewhere' };

/**
 * Knows runs by their ids, those that the list does not show as well: asks for many at once, and
 * is kept up to date by what the model of runs is told.
 *
 * @param ready - Nothing is asked before.
 */
export class RunLookup {
  constructor(
    private _model: RunsModel,
    ready: Promise<unknown>
  ) {
    _model.received.connect(this._onReceived, this);
    _model.removed.connect(this._onRemoved, this);
    _model.refreshed.connect(this._onRefreshed, this);
    _model.changed.connect(this._onConnection, this);
    void ready.then(() => {
      this._isReady = true;
      this._askSoon();
    });
  }

  /** Ids of runs of which something else is known than before. */
  get changed(): ISignal<this, readonly string[]> {
    return this._changed;
  }

  /** What is known of a run; the same object until that changes. Asks, where nothing is. */
  get(id: string): Known {
    const known = this._known.get(id);
    if (known) {
      return known;
    }
    const row = this._model.row(id);
    const begin: Known = row ? { state: 'here', row } : ASKING;
    this._known.set(id, begin);
    if (!row) {
      this._unanswered.add(id);
      this._askSoon();
    }
    return begin;
  }

  /** A run as last seen; null: it is not here, or was not asked for yet. */
  run(id: string): IRun | null {
    const known = this.get(id);
    return known.state === 'here' ? known.row.run : null;
  }

  /** Return what is known of a run as soon as the server has said it. */
  async answered(id: string): Promise<Known> {
    let known = this.get(id);
    while (known.state === 'asking' && !this._isDisposed) {
      await new Promise<void>(resolve => this._watch(id, resolve, true));
      known = this.get(id);
    }
    return known;
  }

  /** The newest retry of a run, of those that were seen from here; undefined: there is none. */
  retryOf(id: string): IRun | undefined {
    return this._retries.get(id);
  }

  /** For `useSyncExternalStore`, about one run. */
  subscribe(id: string, callback: () => void): () => void {
    return this._watch(id, callback, false);
  }

  dispose(): void {
    this._isDisposed = true;
    window.clearTimeout(this._timer);
    window.clearTimeout(this._again);
    Signal.clearData(this);
    this._tell([...this._callbacks.keys()]);
    this._callbacks.clear();
  }

  private _watch(id: string, callback: () => void, isOnce: boolean): () => void {
    const callbacks = this._callbacks.get(id) ?? new Set();
    this._callbacks.set(id, callbacks);
    const end = () => {
      callbacks.delete(called);
    };
    const called = () => {
      if (isOnce) {
        end();
      }
      callback();
    };
    callbacks.add(called);
    return end;
  }

  private _askSoon(): void {
    if (this._timer === 0 && this._isReady && this._unanswered.size) {
      this._timer = window.setTimeout(() => void this._ask(), GATHERING_MS);
    }
  }

  private async _ask(): Promise<void> {
    this._timer = 0;
    const ids = [...this._unanswered];
    this._unanswered.clear();
    for (let at = 0; at < ids.length && !this._isDisposed; at += MOST_IDS) {
      await this._askFor(ids.slice(at, at + MOST_IDS));
    }
  }

  private async _askFor(ids: readonly string[]): Promise<void> {
    try {
      const page = await this._model.api.runs({ ids: [...ids], limit: MOST_IDS });
      this._pauseMs = PAUSE_MS;
      this._take(page.runs, Date.parse(page.now));
      const found = new Set(page.runs.map(run => run.id));
      this._miss(ids.filter(id => !found.has(id)));
    } catch (thrown) {
      const error = asFlotillaError(thrown);
      const unknown = ids.filter(id => this._known.get(id)?.state === 'asking');
      unknown.forEach(id => this._known.set(id, { state: 'asking', error }));
      ids.forEach(id => this._failed.add(id));
      this._askAgain(this._pauseMs);
      this._pauseMs = Math.min(LONGEST_PAUSE_MS, this._pauseMs * 2);
      this._tell(unknown);
    }
  }

  /** Ask what was no answer once more. */
  private _askAgain(pauseMs: number): void {
    window.clearTimeout(this._again);
    this._again = window.setTimeout(() => {
      this._failed.forEach(id => this._unanswered.add(id));
      this._failed.clear();
      this._askSoon();
    }, pauseMs);
  }

  /** Take runs in that are known, or asked for; older news than we have is none. */
  private _take(runs: readonly IRun[], asOf: number): void {
    const news: string[] = [];
    for (const run of runs) {
      const known = this._known.get(run.id);
      const isOlder = known?.state === 'here' && known.row.run.seq > run.seq;
      if (known && !isOlder) {
        this._known.set(run.id, { state: 'here', row: { run, asOf } });
        news.push(run.id);
      }
      const retried = run.retry_of;
      const newest = retried ? this._retries.get(retried) : undefined;
      if (retried && (!newest || newest.created_at <= run.created_at)) {
        this._retries.set(retried, run);
        news.push(retried);
      }
    }
    this._tell(news);
  }

  /** Take in that runs are not in the store. */
  private _miss(ids: readonly string[]): void {
    for (const id of ids) {
      const known = this._known.get(id);
      const wasHere = known?.state === 'here' || known?.state === 'gone';
      this._known.set(id, wasHere ? { state: 'gone', row: known.row } : ELSEWHERE);
    }
    this._tell(ids);
  }

  private _tell(ids: readonly string[]): void {
    for (const id of new Set(ids)) {
      [...(this._callbacks.get(id) ?? [])].forEach(callback => callback());
    }
    if (ids.length) {
      this._changed.emit(ids);
    }
  }

  private _onReceived(_: RunsModel, runs: IRun[]): void {
    this._take(runs, this._model.clock.now());
  }

  private _onRemoved(_: RunsModel, ids: readonly string[]): void {
    this._miss(ids.filter(id => this._known.has(id)));
  }

  /** Changes may have been missed: of what goes on, and of what was no answer. */
  private _onRefreshed(): void {
    for (const [id, known] of this._known) {
      if (known.state === 'asking' || (known.state === 'here' && isOpen(known.row.run))) {
        this._unanswered.add(id);
      }
    }
    this._askSoon();
  }

  private _onConnection(): void {
    const { connection } = this._model.snapshot();
    const isBack = connection === 'live' && this._connection !== 'live';
    this._connection = connection;
    if (isBack && this._failed.size) {
      this._askAgain(0);
    }
  }

  private _known = new Map<string, Known>();
  private _callbacks = new Map<string, Set<() => void>>();
  private _retries = new Map<string, IRun>();
  private _unanswered = new Set<string>();
  private _failed = new Set<string>();
  private _connection = '';
  private _isReady = false;
  private _isDisposed = false;
  private _timer = 0;
  private _again = 0;
  private _pauseMs = PAUSE_MS;
  private _changed = new Signal<this, readonly string[]>(this);
}
