import { ISignal, Signal } from '@lumino/signaling';
import { asFlotillaError, FlotillaError } from '../api';

/** What is known of an answer. */
export interface IKnown<T> {
  /** The newest answer; null: there is none, or it went wrong. */
  answer: T | null;
  error: FlotillaError | null;
  /** A newer answer is on its way. */
  isStale: boolean;
}

/** Asks something once it is quiet; of several answers the newest counts. */
export class Asker<T> {
  constructor(private _waitMs: number) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** What is known now; replaced, never changed. */
  get known(): IKnown<T> {
    return this._known;
  }

  /** Ask for something else; null: there is nothing to ask for. */
  ask(call: ((signal: AbortSignal) => Promise<T>) | null): void {
    this._giveUp();
    if (call === null) {
      this._update({ answer: null, error: null, isStale: false });
      return;
    }
    this._update({ ...this._known, isStale: true });
    const generation = this._generation;
    this._timer = window.setTimeout(() => void this._ask(call, generation), this._waitMs);
  }

  /** Ask nothing, since what was typed cannot be sent: the last answer stays, as a stale one. */
  pause(): void {
    this._giveUp();
    this._update({ answer: this._known.answer, error: null, isStale: true });
  }

  dispose(): void {
    this._giveUp();
    Signal.clearData(this);
  }

  private _giveUp(): void {
    this._generation += 1;
    window.clearTimeout(this._timer);
    this._abort?.abort();
    this._abort = null;
  }

  private async _ask(
    call: (signal: AbortSignal) => Promise<T>,
    generation: number
  ): Promise<void> {
    const abort = (this._abort = new AbortController());
    let known: IKnown<T>;
    try {
      known = { answer: await call(abort.signal), error: null, isStale: false };
    } catch (thrown) {
      known = { answer: null, error: asFlotillaError(thrown), isStale: false };
    }
    if (generation === this._generation) {
      this._update(known);
    }
  }

  private _update(known: IKnown<T>): void {
    this._known = known;
    this._changed.emit();
  }

  private _known: IKnown<T> = { answer: null, error: null, isStale: false };
  private _generation = 0;
  private _timer = 0;
  private _abort: AbortController | null = null;
  private _changed = new Signal<this, void>(this);
}
