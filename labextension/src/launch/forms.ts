import type { FlotillaApi } from '../api';
import type { IForm, IScheduleDetail, What } from '../wire';
import { defaultsOfRun } from './retry';
import { formOfSaved } from './timing';

type Api = Pick<FlotillaApi, 'form' | 'run'>;

/** Ask for the form to launch something; null: nothing was chosen yet. */
export async function formOf(api: Api, what: What | null): Promise<IForm> {
  if (what?.kind === 'retry') {
    const [form, run] = await Promise.all([api.form(), api.run(what.run)]);
    return { ...form, defaults: { ...form.defaults, ...defaultsOfRun(run) } };
  }
  // of cells and commands the server needs to know nothing for a form
  return api.form(what?.kind === 'file' ? what : undefined);
}

/**
 * Ask for the form to change a schedule.
 *
 * @param path of its notebook, where it stays what it runs; null: it does not, or has none
 * @param what it is to run instead
 */
export async function formOfEdit(
  api: Api,
  edited: IScheduleDetail,
  path: string | null,
  what: What | null
): Promise<IForm> {
  if (path === null) {
    return formOfSaved(await formOf(api, what), edited);
  }
  // of a file that is gone there is still the rest of the form
  const form = await api.form({ kind: 'file', path }).catch(() => api.form());
  return formOfSaved(form, edited);
}
