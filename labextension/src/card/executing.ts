import { Signal } from '@lumino/signaling';
import { subscribed } from '../subscribe';

/** Runs that kernels of this page wait for, or may: in a cell that they execute just now. */
export class Executing {
  /** For `useSyncExternalStore`. */
  subscribe = (callback: () => void): (() => void) => subscribed(this._changed, callback);

  /** Say whether a cell waits for a run. */
  has(runId: string): boolean {
    return [...this._runs.values()].some(ids => ids.has(runId));
  }

  /** Say what the cells of one notebook wait for. */
  set(notebook: object, runIds: ReadonlySet<string>): void {
    const before = this._runs.get(notebook) ?? new Set();
    if (runIds.size === 0) {
      this._runs.delete(notebook);
    } else {
      this._runs.set(notebook, runIds);
    }
    if (before.size !== runIds.size || [...runIds].some(id => !before.has(id))) {
      this._changed.emit();
    }
  }

  private _runs = new Map<object, ReadonlySet<string>>();
  private _changed = new Signal<this, void>(this);
}
