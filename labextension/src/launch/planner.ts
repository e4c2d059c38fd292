import { ISignal, Signal } from '@lumino/signaling';
import type { FlotillaApi } from '../api';
import { FlotillaError } from '../api';
import type { IPlan, ISchedulePlan, Options, What } from '../wire';
import { Asker } from './asker';

/** How long the form must be left alone before it is asked what it would cost. */
const WAIT_MS = 400;

/** What a launch would cost, as far as it is known. */
export interface IPlanned {
  /** The newest answer; null: there is none, or it went wrong. */
  plan: IPlan | null;
  /** The same of a schedule, with what a month of it would cost; else there is none. */
  schedule?: ISchedulePlan;
  error: FlotillaError | null;
  /** A newer answer is on its way. */
  isStale: boolean;
}

/** Asks what a launch, or a schedule, would cost, once it is quiet. */
export class Planner {
  constructor(
    private _api: Pick<FlotillaApi, 'plan'>,
    waitMs = WAIT_MS
  ) {
    this._asker = new Asker(waitMs);
    this._asker.changed.connect(() => this._changed.emit());
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** What is known now; replaced, never changed. */
  get planned(): IPlanned {
    const { answer, error, isStale } = this._asker.known;
    return { plan: answer?.plan ?? null, schedule: answer?.schedule, error, isStale };
  }

  /** Ask for something else; null: there is nothing to launch. */
  ask(what: What | null, options: Options): void {
    this._asker.ask(
      what && (async signal => ({ plan: await this._api.plan(what, options, signal) }))
    );
  }

  /** Ask what a schedule would cost. */
  askSchedule(call: ((signal: AbortSignal) => Promise<ISchedulePlan>) | null): void {
    this._asker.ask(
      call &&
        (async signal => {
          const schedule = await call(signal);
          return { plan: schedule.plan, schedule };
        })
    );
  }

  /** Ask nothing, since what was typed cannot be sent: the last answer stays, as a stale one. */
  pause(): void {
    this._asker.pause();
  }

  dispose(): void {
    this._asker.dispose();
    Signal.clearData(this);
  }

  private _asker: Asker<{ plan: IPlan; schedule?: ISchedulePlan }>;
  private _changed = new Signal<this, void>(this);
}
