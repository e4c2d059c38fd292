import type { IStateDB } from '@jupyterlab/statedb';
import type { ReadonlyPartialJSONValue } from '@lumino/coreutils';
import type { Choice } from './subject';
import { CHOICES } from './subject';
import type { IWishes } from './wishes';
import { readWishes } from './wishes';

const KEY = 'jupyter-flotilla:launch';
/** Wishes are kept for so many files; those of the others were used last. */
const MAX_FILES = 50;

/** What survives a reload. */
export interface IKept {
  choice: Choice;
  /** Path that was typed or chosen, relative to the server's root. */
  file: string;
  /** What was wished, by path; the last used is the last. */
  wishes: { readonly [path: string]: IWishes };
  /** Names of the parts that are open. */
  open: readonly string[];
}

export const NOTHING_KEPT: IKept = { choice: 'notebook', file: '', wishes: {}, open: [] };

/** Return what was kept with the wishes for one path replaced; the oldest are left out. */
export function withWishes(kept: IKept, path: string, wishes: IWishes): IKept {
  const { [path]: _, ...others } = kept.wishes;
  const latest = [...Object.entries(others), [path, wishes] as const].slice(-MAX_FILES);
  return { ...kept, wishes: Object.fromEntries(latest) };
}

/** Return what was kept, read from anything. */
export function readKept(stored: unknown): IKept {
  const found = (stored ?? {}) as { [name: string]: unknown };
  const wishes = typeof found.wishes === 'object' && found.wishes !== null ? found.wishes : {};
  return {
    choice: CHOICES.find(choice => choice === found.choice) ?? NOTHING_KEPT.choice,
    file: typeof found.file === 'string' ? found.file : '',
    wishes: Object.fromEntries(
      Object.entries(wishes)
        .slice(-MAX_FILES)
        .map(([path, one]) => [path, readWishes(one)])
    ),
    open: Array.isArray(found.open) ? found.open.filter(one => typeof one === 'string') : []
  };
}

/** Keeps what is in the form over a reload, where the application can. */
export class Memory {
  constructor(private _state: IStateDB | null) {}

  /** Return what was kept; nothing where that cannot be read. */
  async load(): Promise<IKept> {
    return readKept(await this._state?.fetch(KEY).catch(() => undefined));
  }

  /** Keep it; a failure is no loss that anybody needs to hear of. */
  save(kept: IKept): void {
    const value = kept as unknown as ReadonlyPartialJSONValue;
    void this._state?.save(KEY, value).catch(() => undefined);
  }
}
