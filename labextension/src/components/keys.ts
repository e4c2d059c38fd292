import type { IRun } from '../wire';

/** What can be done to the run of a row. */
export interface IRowActions {
  open(run: IRun): void;
  logs(run: IRun): void;
  cancel(run: IRun): void;
  retry(run: IRun): void;
  copyId(run: IRun): void;
  /** Show the menu of a run; `onClose` is called when it is gone. */
  menu(run: IRun, x: number, y: number, onClose: () => void): void;
  /** Leave the list. */
  leave(): void;
}

/** The keys that do something to the run of a row; letters in either case. */
export const ACTION_KEYS: {
  [key: string]: 'open' | 'logs' | 'cancel' | 'retry' | 'copyId' | undefined;
} = { Enter: 'open', l: 'logs', x: 'cancel', r: 'retry', c: 'copyId' };

/** Return a key without its case, if it is a letter. */
export function plainKey(key: string): string {
  return key.length === 1 ? key.toLowerCase() : key;
}

/** Return to which row a key leads from another; undefined: it leads nowhere. */
export function rowAfter(
  key: string,
  index: number,
  rowsInSight: number,
  count: number
): number | undefined {
  const page = Math.max(1, rowsInSight - 1);
  const places: { [key: string]: number | undefined } = {
    ArrowDown: index + 1,
    j: index + 1,
    ArrowUp: index - 1,
    k: index - 1,
    PageDown: index + page,
    PageUp: index - page,
    Home: 0,
    End: count - 1
  };
  const place = places[key];
  return place === undefined ? undefined : Math.max(0, Math.min(count - 1, place));
}
