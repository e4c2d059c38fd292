import { compare, matches } from './query';
import type { IRow } from './row';
import type { IRun, IRunPage, IRunQuery } from './wire';

/** What changed runs have done to a list. */
export interface IListChange {
  /** How many more runs match than before. */
  grownBy: number;
  /** False: there were changes beyond what is loaded, so that only the server can count. */
  isCounted: boolean;
}

/** The runs that match a query, as far as they are loaded, in order and by id. */
export class RunList {
  constructor(
    readonly query: IRunQuery,
    page: IRunPage | null
  ) {
    this.next = null;
    if (page !== null) {
      this.append(page);
    }
  }

  /** Ids, in order; replaced, never changed. */
  order: readonly string[] = [];

  /** Where the next page begins; null: all is loaded. */
  next: string | null;

  row(id: string): IRow | undefined {
    return this._rows.get(id);
  }

  /** Add the next page. */
  append(page: IRunPage): void {
    const asOf = Date.parse(page.now);
    const added: string[] = [];
    for (const run of page.runs) {
      if (!this._rows.has(run.id)) {
        added.push(run.id);
      }
      this._rows.set(run.id, { run, asOf });
    }
    this.order = [...this.order, ...added];
    this.next = page.next;
  }

  /** Take changed runs in: renew rows, put new ones where they belong, drop what matches no more. */
  apply(runs: readonly IRun[], asOf: number): IListChange {
    const change: IListChange = { grownBy: 0, isCounted: true };
    const order = [...this.order];
    for (const run of runs) {
      this._applyOne(run, asOf, order, change);
    }
    if (order.length !== this.order.length || order.some((id, i) => id !== this.order[i])) {
      this.order = order;
    }
    return change;
  }

  /** Drop runs; returns how many of them were here. */
  remove(ids: readonly string[]): number {
    const here = new Set(ids.filter(id => this._rows.delete(id)));
    if (here.size) {
      this.order = this.order.filter(id => !here.has(id));
    }
    return here.size;
  }

  private _applyOne(run: IRun, asOf: number, order: string[], change: IListChange): void {
    const known = this._rows.get(run.id);
    if (known && known.run.seq > run.seq) {
      return; // older than what we have
    }
    if (!matches(run, this.query)) {
      if (known) {
        this._rows.delete(run.id);
        order.splice(order.indexOf(run.id), 1);
        change.grownBy -= 1;
      } else {
        change.isCounted = change.isCounted && !this._mayBeBeyond(run, order, asOf);
      }
      return;
    }
    const row = { run, asOf };
    if (known && !this._isMoved(known.run, run)) {
      this._rows.set(run.id, row);
      return;
    }
    if (known) {
      order.splice(order.indexOf(run.id), 1);
    }
    const place = this._placeOf(run, order, asOf);
    if (place === order.length && this.next !== null) {
      // its place is not loaded yet
      this._rows.delete(run.id);
      change.isCounted = false;
      return;
    }
    this._rows.set(run.id, row);
    order.splice(place, 0, run.id);
    change.grownBy += known ? 0 : 1;
  }

  /** Time and cost grow all the while: only a new status moves a row that is already there. */
  private _isMoved(before: IRun, after: IRun): boolean {
    return this.query.sort === 'status' && before.status !== after.status;
  }

  private _mayBeBeyond(run: IRun, order: string[], now: number): boolean {
    return this.next !== null && this._placeOf(run, order, now) === order.length;
  }

  private _placeOf(run: IRun, order: readonly string[], now: number): number {
    let low = 0;
    let high = order.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this._rows.get(order[middle]) as IRow;
      if (compare(other.run, run, this.query, now) < 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  private _rows = new Map<string, IRow>();
}
