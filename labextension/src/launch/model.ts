import { ISignal, Signal } from '@lumino/signaling';
import { asFlotillaError, FlotillaError } from '../api';
import type { IContext } from '../context';
import type { Connection } from '../runs';
import type { IEngine, IForm, IRun, Options, What } from '../wire';
import type { IKept } from './memory';
import { Memory, NOTHING_KEPT, withWishes } from './memory';
import { NotebookWatch } from './notebook_watch';
import { engineOf, readOptions, readPart } from './options';
import type { IReadParameters } from './parameters';
import { readParameters } from './parameters';
import type { IPlanned } from './planner';
import { Planner } from './planner';
import { defaultsOfRun } from './retry';
import type { Choice, ISubject } from './subject';
import { keyOf, subjectFor, whatOf } from './subject';
import { submit } from './submit';
import type { IWishes } from './wishes';
import { NO_WISHES } from './wishes';
import { subscribed } from '../subscribe';

/** How far the launch is that was asked for last. */
export type Progress =
  | { step: 'idle' }
  | { step: 'saving' }
  | { step: 'launching' }
  | { step: 'launched'; run: IRun; runs: number; isSaved: boolean }
  | { step: 'failed'; error: FlotillaError };

/** All that the form shows; never changed, always replaced. */
export interface ILaunchSnapshot {
  subject: ISubject;
  /** There is something to launch. */
  hasSubject: boolean;
  /** Null: not asked for yet. */
  form: IForm | null;
  formError: FlotillaError | null;
  engine: IEngine | null;
  wishes: IWishes;
  /** What the parameters come to. */
  parameters: IReadParameters;
  /** What is sent of the options. */
  options: Options;
  planned: IPlanned;
  progress: Progress;
  /** Names of the parts that are open. */
  open: readonly string[];
}

const NO_PARAMETERS: IReadParameters = { params: {}, grid: {}, problems: {} };

/** What is in the launch form, and what becomes of it. Asks the server only while it is seen. */
export class LaunchModel {
  constructor(private _context: IContext) {
    this._watch = new NotebookWatch(_context);
    this._planner = new Planner(_context.api);
    this._memory = new Memory(_context.state ?? null);
    this._snapshot = {
      subject: { choice: 'notebook', notebook: this._watch.view, file: '', given: null },
      hasSubject: false,
      form: null,
      formError: null,
      engine: null,
      wishes: NO_WISHES,
      parameters: NO_PARAMETERS,
      options: {},
      planned: this._planner.planned,
      progress: { step: 'idle' },
      open: []
    };
    this._watch.changed.connect(() => this._choose({ notebook: this._watch.view }));
    this._watch.saved.connect(() => this._onSaved());
    this._watch.edited.connect(() => this._snapshot.subject.choice === 'cells' && this._replan());
    _context.model.changed.connect(this._onConnection, this);
    this._planner.changed.connect(() => this._update({ planned: this._planner.planned }));
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

  /** Set the form up for something. */
  async prepare(what: What): Promise<void> {
    await this._loaded;
    this._choose({ ...subjectFor(what, this._snapshot.subject) });
  }

  choose(choice: Choice): void {
    this._choose({ choice });
  }

  chooseFile(file: string): void {
    this._choose({ choice: 'file', file });
  }

  /** Change what is wished. */
  wish(wishes: IWishes): void {
    this._kept = withWishes(this._kept, keyOf(this._snapshot.subject), wishes);
    this._keep();
    this._update({ wishes, progress: { step: 'idle' } });
    this._derive();
    this._replan();
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

  /** Save the notebook if it is needed, and launch; what must be agreed to is asked. */
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
      await this._launch(isSaved);
    } catch (thrown) {
      this._update({ progress: { step: 'failed', error: asFlotillaError(thrown) } });
    }
  }

  dispose(): void {
    this._isAwake = false;
    this._context.model.changed.disconnect(this._onConnection, this);
    this._watch.dispose();
    this._planner.dispose();
    Signal.clearData(this);
  }

  private async _launch(isSaved: boolean): Promise<void> {
    const what = this._what();
    if (what === null) {
      const message = this._context.trans.__('There is nothing to launch.');
      throw new FlotillaError(message, 'nothing');
    }
    this._update({ progress: { step: 'launching' } });
    const asks = this._snapshot.planned.plan?.asks ?? [];
    const created = await submit(this._context, what, this._sent(), asks);
    if (created === null) {
      this._update({ progress: { step: 'idle' } });
      return;
    }
    const { run, runs } = created;
    this._context.model.take(run);
    this._update({ progress: { step: 'launched', run, runs, isSaved } });
    this._replan();
  }

  private async _form(): Promise<IForm> {
    const { api } = this._context;
    const what = this._what();
    if (what?.kind === 'retry') {
      const [form, run] = await Promise.all([api.form(), api.run(what.run)]);
      return { ...form, defaults: { ...form.defaults, ...defaultsOfRun(run) } };
    }
    // of cells and commands the server needs to know nothing for a form
    return api.form(what?.kind === 'file' ? what : undefined);
  }

  private _what(): What | null {
    return whatOf(this._snapshot.subject, () => this._watch.selectedSource());
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
    const parameters = subject.choice === 'cells' ? null : form?.parameters;
    this._update({
      hasSubject: this._what() !== null,
      engine,
      options: form ? readOptions(form, engine, wishes) : {},
      parameters: parameters
        ? readParameters(parameters, wishes.parameters, this._context.trans)
        : NO_PARAMETERS
    });
  }

  private _replan(): void {
    const { form, formError, parameters } = this._snapshot;
    if (!this._isAwake || form === null) {
      return;
    }
    if (Object.keys(parameters.problems).length || formError) {
      this._planner.pause();
    } else {
      this._planner.ask(this._what(), this._sent());
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
