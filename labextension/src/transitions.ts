import { isOpen } from './query';
import type { IRun, RunStatus } from './wire';

/** A run whose status has changed. */
export interface ITransition {
  run: IRun;
  /** Null: it is new. */
  before: RunStatus | null;
}

/** Knows all runs that go on, whatever the list shows, and so what has changed. */
export class OpenRuns {
  /** They, newest first. */
  get runs(): IRun[] {
    return [...this._runs.values()].sort((a, b) => (a.created_at < b.created_at ? 1 : -1));
  }

  /** One of them; undefined: it does not go on, or nobody knows it. */
  get(id: string): IRun | undefined {
    return this._runs.get(id);
  }

  /** Forget all but these; `now` is the server's time, in milliseconds. */
  reset(runs: readonly IRun[], now: number): void {
    this._since = now;
    this._runs = new Map(runs.filter(isOpen).map(run => [run.id, run]));
  }

  /** Take changed runs; returns those whose status is another than before. */
  apply(runs: readonly IRun[]): ITransition[] {
    const transitions: ITransition[] = [];
    for (const run of runs) {
      const before = this._runs.get(run.id)?.status ?? null;
      // a final one that was not open and is older than we are has told its end before
      const isNews = before !== null || isOpen(run) || Date.parse(run.created_at) >= this._since;
      if (isNews && before !== run.status && !this._told.has(run.id)) {
        transitions.push({ run, before });
      }
      if (isOpen(run)) {
        this._runs.set(run.id, run);
      } else {
        this._runs.delete(run.id);
        this._told.add(run.id);
      }
    }
    return transitions;
  }

  /** Forget runs that are gone. */
  remove(ids: readonly string[]): void {
    ids.forEach(id => this._runs.delete(id));
  }

  private _runs = new Map<string, IRun>();
  private _told = new Set<string>();
  private _since = Infinity;
}
