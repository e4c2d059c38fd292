import { Signal } from '@lumino/signaling';
import type { FlotillaApi, FlotillaError } from '../api';
import { asFlotillaError } from '../api';
import { subscribed } from '../subscribe';
import type { IBackfill, IBackfillAsked } from '../wire';
import { fieldText, readField } from './moments';

/** How long the fields must be left alone before it is asked what they mean. */
const WAIT_MS = 300;
const WEEK_MS = 7 * 86_400_000;

/** What the panel of a backfill shows; never changed, always replaced. */
export interface IBackfillSnapshot {
  /** As the fields have them, by the clocks of the schedule's zone. */
  from: string;
  to: string;
  /** Also those that have a run. */
  isAgain: boolean;
  /** What it would do; null: not known, or nothing. */
  planned: IBackfill | null;
  error: FlotillaError | null;
  /** A newer answer is on its way. */
  isStale: boolean;
}

/** Which ticks of the past are to run, and what that would cost: asked before anything runs. */
export class BackfillModel {
  constructor(
    private _api: Pick<FlotillaApi, 'backfill'>,
    private _id: string,
    private _zone: string,
    now: number
  ) {
    this._snapshot = {
      from: `${fieldText(now - WEEK_MS, _zone).slice(0, 10)}T00:00`,
      to: fieldText(now, _zone),
      isAgain: false,
      planned: null,
      error: null,
      isStale: true
    };
    this._askLater();
  }

  /** For `useSyncExternalStore`. */
  subscribe = (callback: () => void): (() => void) => subscribed(this._changed, callback);

  snapshot = (): IBackfillSnapshot => this._snapshot;

  /** What is sent; null: a field is empty. */
  get asked(): IBackfillAsked | null {
    const { from, to, isAgain } = this._snapshot;
    const begin = readField(from, this._zone);
    const end = readField(to, this._zone);
    return begin && end ? { begin, end, again: isAgain } : null;
  }

  set(changes: Partial<Pick<IBackfillSnapshot, 'from' | 'to' | 'isAgain'>>): void {
    this._update({ ...changes, isStale: true });
    this._askLater();
  }

  dispose(): void {
    this._generation += 1;
    window.clearTimeout(this._timer);
    Signal.clearData(this);
  }

  private _askLater(): void {
    const generation = ++this._generation;
    window.clearTimeout(this._timer);
    this._timer = window.setTimeout(() => void this._ask(generation), WAIT_MS);
  }

  private async _ask(generation: number): Promise<void> {
    const asked = this.asked;
    let changes: Partial<IBackfillSnapshot> = { planned: null, error: null };
    if (asked !== null) {
      try {
        changes.planned = await this._api.backfill(this._id, { ...asked, is_dry: true });
      } catch (thrown) {
        changes.error = asFlotillaError(thrown);
      }
    }
    if (generation === this._generation) {
      changes = { ...changes, isStale: false };
      this._update(changes);
    }
  }

  private _update(changes: Partial<IBackfillSnapshot>): void {
    this._snapshot = { ...this._snapshot, ...changes };
    this._changed.emit();
  }

  private _snapshot: IBackfillSnapshot;
  private _generation = 0;
  private _timer = 0;
  private _changed = new Signal<this, void>(this);
}
