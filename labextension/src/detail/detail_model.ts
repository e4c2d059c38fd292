import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';
import type { FlotillaError } from '../api';
import { asFlotillaError } from '../api';
import type { RunsModel } from '../runs';
import type { IRun, IRunDetail } from '../wire';
import { subscribed } from '../subscribe';

/** Between two requests for the same run there is at least this. */
const PAUSE_MS = 1000;

/** What is known of a run at a moment; never changed, always replaced. */
export interface IDetailSnapshot {
  detail: IRunDetail | null;
  /** The moment whose truth it is, by the server's clock. */
  asOf: number;
  error: FlotillaError | null;
  /** It is no longer there: cleaned away, here or elsewhere. */
  isGone: boolean;
  isLoading: boolean;
}

/** All that is known of one run: asked for, then kept up to date by what the list is told. */
export class DetailModel {
  constructor(
    readonly runs: RunsModel,
    readonly runId: string
  ) {
    runs.received.connect(this._onReceived, this);
    runs.removed.connect(this._onRemoved, this);
    runs.changed.connect(this._onConnection, this);
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** For `useSyncExternalStore`. */
  subscribe = (callback: () => void): (() => void) => subscribed(this._changed, callback);

  snapshot = (): IDetailSnapshot => this._snapshot;

  /** Ask for everything anew. */
  async refresh(): Promise<void> {
    window.clearTimeout(this._timer);
    this._timer = 0;
    this._askedAt = Date.now();
    this._update({ isLoading: true });
    try {
      const detail = await this.runs.api.run(this.runId);
      this._update({
        detail,
        asOf: this.runs.clock.now(),
        error: null,
        isGone: false,
        isLoading: false
      });
    } catch (thrown) {
      const error = asFlotillaError(thrown);
      const isGone = error.status === 404;
      this._update({ error, isGone, isLoading: false });
    }
  }

  /** Take a row that an answer has brought, and ask for the rest. */
  take(run: IRun): void {
    this.runs.take(run);
  }

  dispose(): void {
    window.clearTimeout(this._timer);
    this._isDisposed = true;
    Signal.clearData(this);
  }

  private _onReceived(_: RunsModel, runs: IRun[]): void {
    const { detail } = this._snapshot;
    const run = runs.find(one => one.id === this.runId);
    if (!run || this._snapshot.isGone) {
      return;
    }
    if (detail) {
      this._update({ detail: { ...detail, ...run }, asOf: this.runs.clock.now() });
    }
    // attempts, events and files change with its events only
    if (!detail || run.seq !== detail.seq || run.phase !== detail.phase) {
      this._refreshSoon();
    }
  }

  private _onRemoved(_: RunsModel, ids: readonly string[]): void {
    if (ids.includes(this.runId)) {
      this._update({ isGone: true });
    }
  }

  /** The server is back: what could not be asked is asked now. */
  private _onConnection(): void {
    const { connection } = this.runs.snapshot();
    const isBack = connection === 'live' && this._connection !== 'live';
    this._connection = connection;
    if (isBack && this._askedAt > 0) {
      this._refreshSoon();
    }
  }

  private _refreshSoon(): void {
    if (this._timer === 0) {
      const pause = Math.max(0, this._askedAt + PAUSE_MS - Date.now());
      this._timer = window.setTimeout(() => void this.refresh(), pause);
    }
  }

  private _update(changes: Partial<IDetailSnapshot>): void {
    if (!this._isDisposed) {
      this._snapshot = { ...this._snapshot, ...changes };
      this._changed.emit();
    }
  }

  private _snapshot: IDetailSnapshot = {
    detail: null,
    asOf: 0,
    error: null,
    isGone: false,
    isLoading: true
  };
  private _connection = '';
  private _askedAt = 0;
  private _timer = 0;
  private _isDisposed = false;
  private _changed = new Signal<this, void>(this);
}
