import type { ICellModel, ICodeCellModel } from '@jupyterlab/cells';
import { isSentAway } from '../magic';
import type { IRun } from '../wire';
import { tellsEnd } from './bundle';
import type { IShownCard } from './outputs';

/** Say whether a cell's outputs are those of the run that it sends away. */
export function isSender(cell: ICellModel): cell is ICodeCellModel {
  return cell.type === 'code' && isSentAway(cell.sharedModel.getSource());
}

/**
 * Say whether a cell is the one that a run was sent from.
 *
 * Ids of cells that were never saved are others after a reload (before nbformat 4.5 there were none
 * at all): then the notebook's name and the card in the cell have to do.
 *
 * @param cells - All cells of the notebook.
 * @param path - Where the notebook is, relative to the server's root.
 */
export function isOwnCell(
  cell: ICellModel,
  run: IRun,
  cells: Iterable<ICellModel>,
  path: string
): boolean {
  if (run.kind !== 'cell' || run.cell_id === cell.id) {
    return run.kind === 'cell';
  }
  const isAnothers = run.cell_id !== null && [...cells].some(one => one.id === run.cell_id);
  return !isAnothers && run.notebook === path;
}

/** Say whether what a cell shows of its run is not the truth yet, or will not be. */
export function isBehind(shown: IShownCard, run: IRun): boolean {
  return !tellsEnd(shown.bundle, run);
}
