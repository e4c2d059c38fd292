import type { IStateDB } from '@jupyterlab/statedb';
import type { ReadonlyPartialJSONValue } from '@lumino/coreutils';
import type { IFilters } from './query';
import { readFilters } from './query';
import type { RunsModel } from './runs';

const KEY = 'jupyter-flotilla:filters';

/** Return the filters as they were before a reload, and keep what becomes of them. */
export async function keepFilters(model: RunsModel, state: IStateDB | null): Promise<IFilters> {
  const stored = await state?.fetch(KEY).catch(() => undefined);
  let last = model.snapshot().filters;
  model.changed.connect(() => {
    const { filters } = model.snapshot();
    if (filters !== last) {
      last = filters;
      void state?.save(KEY, filters as unknown as ReadonlyPartialJSONValue).catch(() => undefined);
    }
  });
  return readFilters(stored);
}
