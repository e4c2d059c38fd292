import { ISignal, Signal } from '@lumino/signaling';
import type { FlotillaApi } from '../api';
import { asFlotillaError, FlotillaError } from '../api';
import type { IPlan, Options, What } from '../wire';

/** How long the form must be left alone before it is asked what it would cost. */
const WAIT_MS = 400;

/** What a launch would cost, as far as it is known. */
export interface IPlanned {
  /** The newest answer; null: there is none, or it went wrong. */
  plan: IPlan | null;
  error: FlotillaError | null;
  /** A newer answer is on its way. */
  isStale: boolean;
}

const NOTHING: IPlanned = { plan: null, error: null, isStale: false };

/** Asks what a launch would cost, once it is quiet; of several answers the newest counts. */
export class Planner {
  constructor(
    private _api: Pick<FlotillaApi, 'plan'>,
    private _waitMs = WAIT_MS
  ) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** What is known now; replaced, never changed. */
  get planned(): IPlanned {
    return this._planned;
  }

  /** Ask for something else; null: there is nothing to launch. */
  ask(what: What | null, options: Options): void {
    this._giveUp();
    if (what === null) {
      this._update(NOTHING);
      return;
    }
    this._update({ ...this._planned, isStale: true });
    const generation = this._generation;
    this._timer = window.setTimeout(() => void this._plan(what, options, generation), this._waitMs);
  }

  /** Ask nothing, since what was typed cannot be sent: the last answer stays, as a stale one. */
  pause(): void {
    this._giveUp();
    this._update({ plan: this._planned.plan, error: null, isStale: true });
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

  private async _plan(what: What, options: Options, generation: number): Promise<void> {
    const abort = (this._abort = new AbortController());
    let planned: IPlanned;
    try {
      const plan = await this._api.plan(what, options, abort.signal);
      planned = { plan, error: null, isStale: false };
    } catch (thrown) {
      planned = { plan: null, error: asFlotillaError(thrown), isStale: false };
    }
    if (generation === this._generation) {
      this._update(planned);
    }
  }

  private _update(planned: IPlanned): void {
    this._planned = planned;
    this._changed.emit();
  }

  private _planned = NOTHING;
  private _generation = 0;
  private _timer = 0;
  private _abort: AbortController | null = null;
  private _changed = new Signal<this, void>(this);
}
