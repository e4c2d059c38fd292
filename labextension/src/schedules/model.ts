import { Signal } from '@lumino/signaling';
import type { FlotillaError } from '../api';
import { asFlotillaError } from '../api';
import type { IContext } from '../context';
import type { Connection } from '../snapshot';
import { subscribed } from '../subscribe';
import type { IRun, ISchedule, IScheduleDetail, ITick } from '../wire';

/** How long after a change schedules are asked for anew: often several come at once. */
const QUIET_MS = 250;
/** As many runs as one request may ask for by id. */
const MOST_RUNS = 200;

/** What the section shows: all schedules, or one of them closer. */
export type View = { kind: 'list' } | { kind: 'history' | 'backfill'; id: string };

/** What is to be seen of schedules; never changed, always replaced. */
export interface ISchedulesSnapshot {
  schedules: readonly ISchedule[];
  /** Runs of their latest ticks, as far as they are known, by id. */
  runs: ReadonlyMap<string, IRun>;
  /** Why nobody would wake them, and what to do; null: somebody does. */
  wakingNote: string | null;
  isLoading: boolean;
  hasLoaded: boolean;
  error: FlotillaError | null;
  view: View;
  /** The one that the view is of, with its history; null: not asked for yet. */
  detail: IScheduleDetail | null;
}

/** The schedules of the section. Asks when it is looked at, and when the server tells of changes. */
export class SchedulesModel {
  constructor(private _context: Pick<IContext, 'api' | 'model'>) {
    const { model } = _context;
    model.schedulesChanged.connect(this._onOld, this);
    model.refreshed.connect(this._onOld, this);
    model.received.connect(this._onRuns, this);
    model.changed.connect(this._onConnection, this);
    document.addEventListener('visibilitychange', this._onVisibility);
  }

  /** For `useSyncExternalStore`. */
  subscribe = (callback: () => void): (() => void) => subscribed(this._changed, callback);

  snapshot = (): ISchedulesSnapshot => this._snapshot;

  find(id: unknown): ISchedule | undefined {
    return this._snapshot.schedules.find(one => one.id === id);
  }

  /** Somebody looks. */
  wake(): void {
    this._isAwake = true;
    void this.reload();
  }

  /** Nobody looks: nothing is asked for. */
  sleep(): void {
    this._isAwake = false;
    window.clearTimeout(this._timer);
  }

  /** Look at all schedules, or at one closer. */
  show(view: View): void {
    const { detail } = this._snapshot;
    const isSame = view.kind !== 'list' && detail?.id === view.id;
    this._update({ view, detail: isSame ? detail : null, error: null });
    if (view.kind !== 'list') {
      void this.reload();
    }
  }

  /** Ask for all of it anew; of several answers the newest counts. */
  async reload(): Promise<void> {
    window.clearTimeout(this._timer);
    this._isOld = false;
    const generation = ++this._generation;
    const { api, model } = this._context;
    const { view } = this._snapshot;
    this._update({ isLoading: true });
    let changes: Partial<ISchedulesSnapshot>;
    try {
      const [all, detail] = await Promise.all([
        api.schedules(),
        view.kind === 'list' ? null : api.schedule(view.id)
      ]);
      model.clock.learn(all.now);
      changes = {
        schedules: all.schedules,
        wakingNote: all.waking_note,
        detail,
        hasLoaded: true,
        error: null
      };
    } catch (thrown) {
      changes = { error: asFlotillaError(thrown) };
      if (changes.error?.code === 'schedule-not-found') {
        changes.view = { kind: 'list' };
        this._isOld = true;
      }
    }
    if (generation === this._generation) {
      this._update({ ...changes, isLoading: false });
      this._refreshLater();
      void this._askRuns();
    }
  }

  /** Take what an answer has brought, without waiting for the socket. */
  take(saved: IScheduleDetail): void {
    const { history: _, options: __, backfill_waits: ___, waking_note: ____, ...row } = saved;
    const others = this._snapshot.schedules.filter(one => one.id !== saved.id);
    const schedules = [...others, row].sort((a, b) => (a.name < b.name ? -1 : 1));
    const isShown = this._snapshot.detail?.id === saved.id;
    this._update({ schedules, ...(isShown ? { detail: saved } : {}) });
  }

  /** Leave one out that was deleted. */
  drop(id: string): void {
    const { schedules, view } = this._snapshot;
    const isShown = view.kind !== 'list' && view.id === id;
    this._update({
      schedules: schedules.filter(one => one.id !== id),
      ...(isShown ? { view: { kind: 'list' }, detail: null } : {})
    });
  }

  dispose(): void {
    this.sleep();
    this._generation += 1;
    const { model } = this._context;
    model.schedulesChanged.disconnect(this._onOld, this);
    model.refreshed.disconnect(this._onOld, this);
    model.received.disconnect(this._onRuns, this);
    model.changed.disconnect(this._onConnection, this);
    document.removeEventListener('visibilitychange', this._onVisibility);
    Signal.clearData(this);
  }

  /** Ask what became of the latest runs, where nobody has told yet: only they say what it cost. */
  private async _askRuns(): Promise<void> {
    const known = this._snapshot.runs;
    const ids = this._shownTicks()
      .filter(tick => tick.run_id && known.get(tick.run_id)?.status !== tick.run_status)
      .flatMap(tick => tick.run_id ?? [])
      .slice(0, MOST_RUNS);
    if (!ids.length) {
      return;
    }
    try {
      const page = await this._context.api.runs({ ids, limit: MOST_RUNS });
      this._takeRuns(page.runs);
    } catch {
      // rows say without it how their runs stand
    }
  }

  private _shownTicks(): ITick[] {
    const { schedules, detail } = this._snapshot;
    return [...schedules.flatMap(one => one.latest ?? []), ...(detail?.history ?? [])];
  }

  private _takeRuns(runs: readonly IRun[]): void {
    const shown = new Set(this._shownTicks().flatMap(tick => tick.run_id ?? []));
    const mine = runs.filter(run => shown.has(run.id));
    if (mine.length) {
      const kept = [...this._snapshot.runs].filter(([id]) => shown.has(id));
      const taken = mine.map(run => [run.id, run] as const);
      this._update({ runs: new Map([...kept, ...taken]) });
    }
  }

  private _onRuns(_: unknown, runs: IRun[]): void {
    this._takeRuns(runs);
  }

  private _onOld(): void {
    this._isOld = true;
    this._refreshLater();
  }

  /** Ask again what could not be asked while the server was away. */
  private _onConnection(): void {
    const { connection } = this._context.model.snapshot();
    const isBack = connection === 'live' && this._connection !== 'live';
    this._connection = connection;
    if (isBack && this._snapshot.error) {
      this._onOld();
    }
  }

  private _onVisibility = (): void => this._refreshLater();

  private _refreshLater(): void {
    window.clearTimeout(this._timer);
    if (this._isOld && this._isAwake && document.visibilityState === 'visible') {
      this._timer = window.setTimeout(() => void this.reload(), QUIET_MS);
    }
  }

  private _update(changes: Partial<ISchedulesSnapshot>): void {
    this._snapshot = { ...this._snapshot, ...changes };
    this._changed.emit();
  }

  private _snapshot: ISchedulesSnapshot = {
    schedules: [],
    runs: new Map(),
    wakingNote: null,
    isLoading: true,
    hasLoaded: false,
    error: null,
    view: { kind: 'list' },
    detail: null
  };
  private _isAwake = false;
  private _connection: Connection = 'connecting';
  /** There was a change since it was asked last. */
  private _isOld = false;
  private _generation = 0;
  private _timer = 0;
  private _changed = new Signal<this, void>(this);
}
