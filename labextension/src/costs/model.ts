import { Signal } from '@lumino/signaling';
import { asFlotillaError, FlotillaError } from '../api';
import type { IContext } from '../context';
import { isOpen } from '../query';
import type { Connection } from '../runs';
import type { ITransition } from '../transitions';
import type { IWaste } from '../wire';
import type { IGroup, ITotals } from './groups';
import { groupsOf, totalsOf } from './groups';
import type { Range } from './range';
import { sinceOf } from './range';
import { subscribed } from '../subscribe';

/** How long after the end of a run it is asked anew: often several end at once. */
const QUIET_MS = 1000;
/** Runs on each of the leaderboards. */
const LEADERS = 5;

export type By = 'notebook' | 'tag';

/** What the section shows; never changed, always replaced. */
export interface ICostsSnapshot {
  range: Range;
  by: By;
  groups: readonly IGroup[];
  totals: ITotals | null;
  waste: IWaste | null;
  isLoading: boolean;
  error: FlotillaError | null;
}

/** What runs have cost. Asks when it is looked at, and when a run has ended meanwhile. */
export class CostsModel {
  constructor(private _context: Pick<IContext, 'api' | 'model'>) {
    _context.model.moved.connect(this._onMoved, this);
    _context.model.changed.connect(this._onConnection, this);
    document.addEventListener('visibilitychange', this._onVisibility);
  }

  /** For `useSyncExternalStore`. */
  subscribe = (callback: () => void): (() => void) => subscribed(this._changed, callback);

  snapshot = (): ICostsSnapshot => this._snapshot;

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

  setRange(range: Range): void {
    this._update({ range });
    void this.reload();
  }

  setBy(by: By): void {
    this._update({ by, groups: [] });
    void this.reload();
  }

  /** Ask for all of it anew; of several answers the newest counts. */
  async reload(): Promise<void> {
    window.clearTimeout(this._timer);
    this._isOld = false;
    const generation = ++this._generation;
    const { api, model } = this._context;
    const { range, by } = this._snapshot;
    const since = sinceOf(range, model.clock.now());
    this._update({ isLoading: true });
    let changes: Partial<ICostsSnapshot>;
    try {
      const [grouped, engines, waste] = await Promise.all([
        api.costs(by, since),
        api.costs('engine', since),
        api.waste(since, LEADERS)
      ]);
      const totals = totalsOf(engines.rows);
      changes = { groups: groupsOf(grouped.rows), totals, waste, error: null };
    } catch (thrown) {
      changes = { error: asFlotillaError(thrown) };
    }
    if (generation === this._generation) {
      this._update({ ...changes, isLoading: false });
    }
  }

  dispose(): void {
    this.sleep();
    this._generation += 1;
    this._context.model.moved.disconnect(this._onMoved, this);
    this._context.model.changed.disconnect(this._onConnection, this);
    document.removeEventListener('visibilitychange', this._onVisibility);
    Signal.clearData(this);
  }

  private _onMoved(_: unknown, moved: ITransition[]): void {
    if (!moved.every(({ run }) => isOpen(run))) {
      this._isOld = true;
      this._refreshLater();
    }
  }

  /** Ask again what could not be asked while the server was away. */
  private _onConnection(): void {
    const { connection } = this._context.model.snapshot();
    const isBack = connection === 'live' && this._connection !== 'live';
    this._connection = connection;
    if (isBack && this._snapshot.error) {
      this._isOld = true;
      this._refreshLater();
    }
  }

  private _onVisibility = (): void => this._refreshLater();

  private _refreshLater(): void {
    window.clearTimeout(this._timer);
    if (this._isOld && this._isAwake && document.visibilityState === 'visible') {
      this._timer = window.setTimeout(() => void this.reload(), QUIET_MS);
    }
  }

  private _update(changes: Partial<ICostsSnapshot>): void {
    this._snapshot = { ...this._snapshot, ...changes };
    this._changed.emit();
  }

  private _snapshot: ICostsSnapshot = {
    range: 'month',
    by: 'notebook',
    groups: [],
    totals: null,
    waste: null,
    isLoading: true,
    error: null
  };
  private _isAwake = false;
  private _connection: Connection = 'connecting';
  /** A run has ended since it was asked last. */
  private _isOld = false;
  private _generation = 0;
  private _timer = 0;
  private _changed = new Signal<this, void>(this);
}
