import type { ICellModel } from '@jupyterlab/cells';

const MAGIC = '%%flotilla_run';

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
