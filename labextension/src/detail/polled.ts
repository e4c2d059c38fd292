import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';
import type { FlotillaError } from '../api';
import { asFlotillaError } from '../api';
import { subscribed } from '../subscribe';

/** What was last fetched; never changed, always replaced. */
export interface IPolledSnapshot<T> {
  value: T | null;
  error: FlotillaError | null;
  isLoading: boolean;
}

/** Something that is fetched again and again while it grows and somebody looks. */
export class Polled<T> {
  constructor(
    private _fetch: () => Promise<T>,
    private _pauseMs = 3000
  ) {}

  /** For `useSyncExternalStore`. */
  subscribe = (callback: () => void): (() => void) => subscribed(this._changed, callback);

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  snapshot = (): IPolledSnapshot<T> => this._snapshot;

  /** Say whether it grows and is looked at; what was missed meanwhile is fetched. */
  setActive(isActive: boolean): void {
    if (isActive === this._isActive) {
      return;
    }
    this._isActive = isActive;
    window.clearTimeout(this._timer);
    if (isActive) {
      const pause = this._fetchedAt + this._pauseMs - Date.now();
      this._timer = window.setTimeout(() => void this.refresh(), Math.max(0, pause));
    }
  }

  /** Fetch it now. */
  async refresh(): Promise<void> {
    window.clearTimeout(this._timer);
    const turn = ++this._turn;
    this._fetchedAt = Date.now();
    this._update({ isLoading: true });
    try {
      const value = await this._fetch();
      if (turn === this._turn) {
        this._update({ value, error: null, isLoading: false });
      }
    } catch (thrown) {
      if (turn === this._turn) {
        this._update({ error: asFlotillaError(thrown), isLoading: false });
      }
    }
    if (this._isActive && turn === this._turn) {
      this._timer = window.setTimeout(() => void this.refresh(), this._pauseMs);
    }
  }

  dispose(): void {
    this._isActive = false;
    this._turn += 1;
    window.clearTimeout(this._timer);
    Signal.clearData(this);
  }

  private _update(changes: Partial<IPolledSnapshot<T>>): void {
    this._snapshot = { ...this._snapshot, ...changes };
    this._changed.emit();
  }

  private _snapshot: IPolledSnapshot<T> = { value: null, error: null, isLoading: false };
  private _isActive = false;
  private _fetchedAt = 0;
  private _turn = 0;
  private _timer = 0;
  private _changed = new Signal<this, void>(this);
}
