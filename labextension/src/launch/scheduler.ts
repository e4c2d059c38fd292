import { ISignal, Signal } from '@lumino/signaling';
import { asFlotillaError, FlotillaError } from '../api';
import type { IContext } from '../context';
import type { IPlan, IScheduleAsked, IScheduleDetail, ISchedulePlan, ITimes, Options } from '../wire';
import type { IKnown } from './asker';
import { Asker } from './asker';
import { submit } from './submit';
import type { ITiming } from './timing';
import { NEW_TIMING, sentTiming, textOf, timesAsked, timingOf, withField } from './timing';

/** How long the fields must be left alone before it is asked what they mean. */
const WAIT_MS = 250;

/** The server's code of an edit that is in the store, and not in AWS yet. */
const CLOUD_BEHIND = 'cloud-behind';

/** What a schedule runs; null: what it ran. */
type Job = IScheduleAsked['what'];

/** Makes a schedule of what is in the form, or changes one: its times, and how it is saved. */
export class Scheduler {
  constructor(private _context: Pick<IContext, 'api' | 'trans'>) {
    this._times.changed.connect(() => this._changed.emit());
  }

  /** The timing is another, or what its times mean. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Null: the form launches. */
  get timing(): ITiming | null {
    return this._timing;
  }

  /** What the times mean that stand in the fields. */
  get times(): IKnown<ITimes> {
    return this._times.known;
  }

  /** Have the form save a schedule: a new one, or changes of one. */
  begin(edited: IScheduleDetail | null): void {
    this._take(edited ? timingOf(edited) : NEW_TIMING);
  }

  /** Have the form launch. */
  end(): void {
    this._take(null);
  }

  /** Forget what was typed. */
  reset(): void {
    if (this._timing) {
      this.begin(this._timing.edited);
    }
  }

  /** What is chosen is below the top of a repository, and no file of here. */
  get isOfGit(): boolean {
    return this._timing !== null && textOf(this._timing, 'source').includes('@');
  }

  set(keyword: string, text: string): void {
    if (this._timing) {
      this._take(withField(this._timing, keyword, text));
    }
  }

  /** Have what was changed here be a change of what somebody else has saved meanwhile. */
  rebase(theirs: IScheduleDetail): void {
    if (this._timing) {
      const { fields, begun } = this._timing;
      const mine = Object.keys(fields).filter(keyword => fields[keyword] !== begun[keyword]);
      const next = timingOf(theirs);
      const kept = Object.fromEntries(mine.map(keyword => [keyword, fields[keyword]]));
      this._take({ ...next, fields: { ...next.fields, ...kept } });
    }
  }

  /** What is sent of the fields. */
  get options(): Options {
    return this._timing ? sentTiming(this._timing) : {};
  }

  /** Ask what it would cost. */
  plan(what: Job, options: Options, signal: AbortSignal): Promise<ISchedulePlan> {
    const id = this._timing?.edited?.id;
    return this._context.api.planSchedule(this._asked(what, options), id, signal);
  }

  /**
   * Save it; what must be agreed to first is asked.
   *
   * @returns what was saved; null: the user did not agree. What AWS does not have yet is saved, and
   * has that as its note. Throws a FlotillaError; of the code `schedule-changed` where somebody else
   * has changed it since it was seen.
   */
  async save(what: Job, options: Options, plan: IPlan | null): Promise<IScheduleDetail | null> {
    const { api, trans } = this._context;
    const edited = this._timing?.edited;
    const asked = this._asked(what, options);
    const words = { title: trans.__('Save it?'), label: trans.__('Agree and save') };
    const send = (confirm: boolean) =>
      edited
        ? api.editSchedule(edited.id, { ...asked, revision: edited.revision }, confirm)
        : api.saveSchedule(asked, confirm);
    try {
      return await submit(send, plan?.asks ?? [], trans, words);
    } catch (thrown) {
      const saved = await this._savedAnyway(asFlotillaError(thrown));
      if (saved === null) {
        throw thrown;
      }
      return saved;
    }
  }

  dispose(): void {
    this._times.dispose();
    Signal.clearData(this);
  }

  /** Return what was saved though AWS could not be told; null: it was not, or is otherwise now. */
  private async _savedAnyway(error: FlotillaError): Promise<IScheduleDetail | null> {
    const edited = this._timing?.edited;
    if (!edited || error.code !== CLOUD_BEHIND) {
      return null;
    }
    const saved = await this._context.api.schedule(edited.id).catch(() => null);
    return saved?.revision === edited.revision + 1
      ? { ...saved, waking_note: error.message }
      : null;
  }

  private _asked(what: Job, options: Options): IScheduleAsked {
    return { what, options, schedule: this.options };
  }

  private _take(timing: ITiming | null): void {
    this._timing = timing;
    const asked = timing && timesAsked(timing);
    const text = JSON.stringify(asked);
    if (text !== this._askedFor) {
      this._askedFor = text;
      this._times.ask(asked && (signal => this._context.api.times(asked, signal)));
    }
    this._changed.emit();
  }

  private _timing: ITiming | null = null;
  private _times = new Asker<ITimes>(WAIT_MS);
  private _askedFor = 'null';
  private _changed = new Signal<this, void>(this);
}
