import { Notification } from '@jupyterlab/apputils';
import type { ICellModel } from '@jupyterlab/cells';
import type { Notebook } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';

/** The cell magic. */
export const MAGIC = '%%flotilla_run';
const LOAD = '%load_ext jupyter_flotilla';

/** Say whether a cell's text is sent away as a job. */
export function isSentAway(source: string): boolean {
  return source.trimStart().startsWith(MAGIC);
}

/** Return the text of a cell with the magic at its top. */
export function withMagic(source: string): string {
  return isSentAway(source) ? source : `${MAGIC}\n${source}`;
}

/** Put the magic at the top of a code cell; says whether that was possible. */
export function insertMagic(cell: ICellModel | undefined): boolean {
  if (cell?.type !== 'code') {
    return false;
  }
  const { sharedModel } = cell;
  const source = sharedModel.getSource();
  if (!isSentAway(source)) {
    sharedModel.setSource(withMagic(source));
  }
  return true;
}

/** Say whether a notebook loads the magic somewhere. */
export function isMagicLoaded(sources: readonly string[]): boolean {
  return sources.some(source => /^\s*%(load|reload)_ext\s+jupyter_flotilla\b/m.test(source));
}

/** Offer to load the magic at the top of a notebook that does not. */
export function offerToLoadMagic(notebook: Notebook, trans: TranslationBundle): void {
  const model = notebook.model;
  if (!model || isMagicLoaded([...model.cells].map(cell => cell.sharedModel.getSource()))) {
    return;
  }
  const insert = () =>
    model.sharedModel.insertCell(0, { cell_type: 'code', source: LOAD, metadata: {} });
  Notification.info(trans.__('%1 needs %2 once in each kernel.', MAGIC, LOAD), {
    autoClose: 8000,
    actions: [{ label: trans.__('Insert at the top'), callback: () => void insert() }]
  });
}
