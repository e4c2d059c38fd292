import type { NotebookPanel } from '@jupyterlab/notebook';
import type { Contents } from '@jupyterlab/services';

/** Clocks of files are coarse: what is newer by less is no news, as Lab itself has it. */
const MARGIN_MS = 500;

/**
 * Read a notebook again that somebody else has written, if nothing in it is unsaved; says whether.
 *
 * The server writes the end of a run where it knows of no page that has the notebook open: a page
 * that was asleep meanwhile has an older one.
 */
export async function freshen(panel: NotebookPanel, contents: Contents.IManager): Promise<boolean> {
  const { context } = panel;
  const ours = context.contentsModel;
  if (!ours || context.model.dirty || context.model.collaborative) {
    return false;
  }
  let disk: Contents.IModel;
  try {
    disk = await contents.get(context.path, { content: false });
  } catch {
    return false; // deleted, or the server is away: Lab says so where it matters
  }
  const newerBy = Date.parse(disk.last_modified) - Date.parse(ours.last_modified);
  if (context.isDisposed || context.model.dirty || newerBy <= MARGIN_MS) {
    return false;
  }
  await context.revert();
  return true;
}
