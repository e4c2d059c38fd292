import { ISignal, Signal } from '@lumino/signaling';
import { asFlotillaError, FlotillaError } from '../api';
import type { IContext } from '../context';
import type { Connection } from '../runs';
import type { IForm, IScheduleAsked, IScheduleDetail, Options, What } from '../wire';
import { formOf, formOfEdit } from './forms';
import type { IKept } from './memory';
import { Memory, NOTHING_KEPT, withWishes } from './memory';
import { NotebookWatch } from './notebook_watch';
import { engineOf, readOptions, readPart } from './options';
import { parametersOf } from './given_parameters';
import { Planner } from './planner';
import { Scheduler } from './scheduler';
import type { ILaunchSnapshot } from './shown';
import { nothingShown } from './shown';
import type { Choice, ISubject } from './subject';
import { isSaved, keyOf, schedulable, subjectFor, whatOf } from './subject';
import { submit } from './submit';
import { isTimed } from './timing';
export type { ILaunchSnapshot, Progress } from './shown';
import type { IWishes } from './wishes';
import { NO_WISHES } from './wishes';
import { subscribed } from '../subscribe';

/** What is in the launch form, and what becomes of it. Asks the server only while it is seen. */
export class LaunchModel {
  constructor(private _context: IContext) {
    this._watch = new NotebookWatch(_context);
    this._planner = new Planner(_context.api);
    this._scheduler = new Scheduler(_context);
    this._memory = new Memory(_context.state ?? null);
    this._snapshot = nothingShown(this._watch.view);
    this._watch.changed.connect(() => this._choose({ notebook: this._watch.view }));
    this._watch.saved.connect(() => this._onSaved());
    this._watch.edited.connect(() => this._snapshot.subject.choice === 'cells' && this._replan());
    _context.model.changed.connect(this._onConnection, this);
    this._planner.changed.connect(() => this._update({ planned: this._planner.planned }));
    this._scheduler.changed.connect(() => {
      const { timing, times } = this._scheduler;
      this._update({ timing, times });
    });
    this._loaded = this._memory.load().then(kept => this._restore(kept));
  }

  /** For `useSyncExternalStore`. */
  subscribe = (callback: () => void): (() => void) => subscribed(this._changed, callback);

  snapshot = (): ILaunchSnapshot => this._snapshot;

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Somebody looks: ask what there is to be seen. */
  async wake(): Promise<void> {
    this._isAwake = true;
    await this._loaded;
    await this.reload();
  }

  /** Nobody looks. */
  sleep(): void {
    this._isAwake = false;
    this._formKey = null;
    this._planner.pause();
  }

  /** Set the form up to launch something. */
  async prepare(what: What): Promise<void> {
    await this._loaded;
    this._scheduler.end();
    this._choose({ ...subjectFor(what, this._snapshot.subject) });
  }

  /** Set the form up to schedule something, or what it is about; what was typed of that stays. */
  async schedule(what?: What): Promise<void> {
    await this._loaded;
    if (this._scheduler.timing === null || this._scheduler.timing.edited) {
      this._scheduler.begin(null);
    }
    const { subject } = this._snapshot;
    this._choose(schedulable(what ? subjectFor(what, subject) : subject));
    this._update({ progress: { step: 'idle' } });
  }

  /** Have the form launch again, what it was about before. */
  unschedule(): void {
    const { given } = this._snapshot.subject;
    this._scheduler.end();
    const { choice, file } = this._kept;
    this._choose(given?.kind === 'schedule' ? { choice, file, given: null } : {});
    this._update({ progress: { step: 'idle' } });
  }

  choose(choice: Choice): void {
    this._choose({ choice });
  }

  chooseFile(file: string): void {
    this._choose({ choice: 'file', file });
  }

  /** Have the form change a schedule; what nobody changes stays as it was saved. */
  async edit(id: string): Promise<void> {
    await this._loaded;
    try {
      this.editFrom(await this._context.api.schedule(id));
    } catch (thrown) {
      this._update({ progress: { step: 'failed', error: asFlotillaError(thrown) } });
    }
  }

  /** The same from what is known of it; what was typed for it before is forgotten. */
  editFrom(saved: IScheduleDetail): void {
    const { id, name } = saved;
    this._scheduler.begin(saved);
    this._formKey = null;
    this._choose({ choice: 'given', given: { kind: 'schedule', id, name } });
    this.wish(NO_WISHES);
  }

  /** Change a text that says when it runs, or by which rule. */
  setTiming(keyword: string, text: string): void {
    const isOfGit = this._scheduler.isOfGit;
    this._scheduler.set(keyword, text);
    this._update({ progress: { step: 'idle' } });
    if (isOfGit !== this._scheduler.isOfGit) {
      void this.reload();
    } else {
      this._replan();
    }
  }

  /** Of a conflict: go on with what was changed here, as changes of what somebody else has saved. */
  keepMine(theirs: IScheduleDetail): void {
    this._scheduler.rebase(theirs);
    this._update({ progress: { step: 'idle' } });
    void this.reload();
  }

  /** Change what is wished. */
  wish(wishes: IWishes): void {
    this._kept = withWishes(this._kept, keyOf(this._snapshot.subject), wishes);
    this._keep();
    this._update({ wishes, progress: { step: 'idle' } });
    this._derive();
    this._replan();
  }

  /** Forget all that was typed. */
  reset(): void {
    this._scheduler.reset();
    this.wish(NO_WISHES);
  }

  /** Show or hide a part. */
  setOpen(part: string, isOpen: boolean): void {
    const others = this._snapshot.open.filter(one => one !== part);
    if (isOpen !== this._snapshot.open.includes(part)) {
      this._update({ open: isOpen ? [...others, part] : others });
      this._keep();
    }
  }

  /** Ask for the form anew: the notebook's parameters, engines, defaults. */
  async reload(): Promise<void> {
    const key = keyOf(this._snapshot.subject);
    this._formKey = key;
    const generation = ++this._generation;
    let changes: Pick<ILaunchSnapshot, 'form' | 'formError'>;
    try {
      changes = { form: await this._form(), formError: null };
    } catch (thrown) {
      const { form } = this._snapshot;
      const formError = asFlotillaError(thrown);
      changes = { form: form && { ...form, parameters: null }, formError };
    }
    if (generation === this._generation) {
      this._update(changes);
      this._derive();
      this._replan();
    }
  }

  /** Save the notebook if it is needed, and launch, or schedule; what must be agreed to is asked. */
  async launch(): Promise<void> {
    const { step } = this._snapshot.progress;
    if (step === 'saving' || step === 'launching') {
      return;
    }
    const { choice, notebook } = this._snapshot.subject;
    const isSaved = choice === 'notebook' && notebook.isDirty;
    try {
      if (isSaved) {
        this._update({ progress: { step: 'saving' } });
        await this._watch.save();
      }
      await (this._snapshot.timing ? this._schedule() : this._launch(isSaved));
    } catch (thrown) {
      this._update({ progress: { step: 'failed', error: asFlotillaError(thrown) } });
    }
  }

  dispose(): void {
    this._isAwake = false;
    this._context.model.changed.disconnect(this._onConnection, this);
    this._watch.dispose();
    this._planner.dispose();
    this._scheduler.dispose();
    Signal.clearData(this);
  }

  private async _launch(isSaved: boolean): Promise<void> {
    const what = this._what();
    if (what === null) {
      const message = this._context.trans.__('There is nothing to launch.');
      throw new FlotillaError(message, 'nothing');
    }
    this._update({ progress: { step: 'launching' } });
    const { api, trans } = this._context;
    const asks = this._snapshot.planned.plan?.asks ?? [];
    const sent = this._sent();
    const created = await submit(confirm => api.launch(what, sent, confirm), asks, trans);
    if (created === null) {
      this._update({ progress: { step: 'idle' } });
      return;
    }
    const { run, runs } = created;
    this._context.model.take(run);
    this._update({ progress: { step: 'launched', run, runs, isSaved } });
    this._replan();
  }

  private async _schedule(): Promise<void> {
    this._update({ progress: { step: 'launching' } });
    const { plan } = this._snapshot.planned;
    const isNew = this._snapshot.timing?.edited === null;
    try {
      const schedule = await this._scheduler.save(this._job(), this._sent(), plan);
      if (schedule === null) {
        this._update({ progress: { step: 'idle' } });
        return;
      }
      this.unschedule();
      const note = schedule.waking_note;
      this._update({ progress: { step: 'scheduled', schedule, note, isNew } });
    } catch (thrown) {
      await this._onRefused(asFlotillaError(thrown));
    }
  }

  private async _onRefused(error: FlotillaError): Promise<void> {
    const id = this._snapshot.timing?.edited?.id;
    if (error.code !== 'schedule-changed' || id === undefined) {
      throw error;
    }
    const theirs = await this._context.api.schedule(id).catch(() => null);
    this._update({ progress: { step: 'conflict', error, theirs } });
  }

  private _form(): Promise<IForm> {
    const { api } = this._context;
    const edited = this._snapshot.timing?.edited;
    const what = this._scheduler.isOfGit ? null : this._what();
    if (!edited) {
      return formOf(api, what);
    }
    const isAsSaved = isSaved(this._snapshot.subject) && !this._scheduler.isOfGit;
    return formOfEdit(api, edited, isAsSaved ? edited.notebook : null, what);
  }

  private _what(): What | null {
    return whatOf(this._snapshot.subject, () => this._watch.selectedSource());
  }

  /** What a schedule is to run; null: what it ran. */
  private _job(): IScheduleAsked['what'] {
    const what = this._what();
    return what?.kind === 'file' || what?.kind === 'command' ? what : null;
  }

  /** What is sent beside what is launched. */
  private _sent(): Options {
    const { options, parameters, form, engine, wishes } = this._snapshot;
    const { params, grid } = parameters;
    const sent: Options = { ...options };
    if (Object.keys(params).length) {
      sent.params = params;
    }
    if (form && Object.keys(grid).length) {
      Object.assign(sent, { grid }, readPart(form, engine, wishes, 'grid'));
    }
    return sent;
  }

  private _choose(changes: Partial<ISubject>): void {
    const before = keyOf(this._snapshot.subject);
    const subject = { ...this._snapshot.subject, ...changes };
    const key = keyOf(subject);
    if (key !== before) {
      // what was wished before anything was chosen is wished of that
      const begun = before === '' ? this._snapshot.wishes : NO_WISHES;
      this._update({ wishes: this._kept.wishes[key] ?? begun, progress: { step: 'idle' } });
    }
    this._update({ subject });
    if (subject.choice !== 'given') {
      this._kept = { ...this._kept, choice: subject.choice, file: subject.file };
      this._keep();
    }
    this._derive();
    if (this._isAwake && key !== this._formKey) {
      void this.reload();
    } else {
      this._replan();
    }
  }

  private _restore(kept: IKept): void {
    this._kept = kept;
    this._update({ open: kept.open });
    this._choose({ choice: kept.choice, file: kept.file });
    this._update({ wishes: kept.wishes[keyOf(this._snapshot.subject)] ?? NO_WISHES });
    this._derive();
  }

  /** Ask again what could not be asked while the server was away. */
  private _onConnection(): void {
    const { connection } = this._context.model.snapshot();
    const isBack = connection === 'live' && this._connection !== 'live';
    this._connection = connection;
    const { formError, planned } = this._snapshot;
    if (isBack && this._isAwake && (formError || planned.error)) {
      void this.reload();
    }
  }

  private _onSaved(): void {
    const { choice } = this._snapshot.subject;
    if (this._isAwake && choice === 'notebook') {
      void this.reload();
    }
  }

  /** Reckon what follows from form and wishes. */
  private _derive(): void {
    const { form, wishes, subject } = this._snapshot;
    const engine = form && engineOf(form, wishes);
    const isScheduled = this._scheduler.timing !== null;
    this._update({
      hasSubject: this._what() !== null || isSaved(subject),
      engine,
      options: form ? readOptions(form, engine, wishes) : {},
      parameters: parametersOf(this._snapshot, isScheduled, this._context.trans)
    });
  }

  private _replan(): void {
    const { form, formError, parameters, hasSubject } = this._snapshot;
    if (!this._isAwake || form === null) {
      return;
    }
    const { timing } = this._scheduler;
    if (Object.keys(parameters.problems).length || formError) {
      this._planner.pause();
    } else if (timing === null) {
      this._planner.ask(this._what(), this._sent());
    } else {
      const [job, sent] = [this._job(), this._sent()];
      this._planner.askSchedule(
        hasSubject && isTimed(timing) ? signal => this._scheduler.plan(job, sent, signal) : null
      );
    }
  }

  private _keep(): void {
    this._memory.save({ ...this._kept, open: this._snapshot.open });
  }

  private _update(changes: Partial<ILaunchSnapshot>): void {
    this._snapshot = { ...this._snapshot, ...changes };
    this._changed.emit();
  }

  private _watch: NotebookWatch;
  private _planner: Planner;
  private _scheduler: Scheduler;
  private _memory: Memory;
  private _loaded: Promise<void>;
  private _kept: IKept = NOTHING_KEPT;
  private _isAwake = false;
  private _connection: Connection = 'connecting';
  /** What the form was asked for last. */
  private _formKey: string | null = null;
  private _generation = 0;
  private _snapshot: ILaunchSnapshot;
  private _changed = new Signal<this, void>(this);
}
