import type { IExecutedNotebook, IRecord, Json } from '../../wire';
import { textOf } from '../logs/lines';

/** One output of a cell, as notebooks of format 4 have it. */
export interface IOutput {
  output_type: string;
  name?: string;
  text?: Json;
  data?: IRecord['data'];
  metadata?: IRecord['metadata'];
  ename?: string;
  evalue?: string;
  traceback?: string[];
}

/** One cell, its source as one text. */
export interface ICell {
  type: 'code' | 'markdown' | 'raw';
  source: string;
  count: number | null;
  outputs: IOutput[];
}

function asObject(value: Json | undefined): { [key: string]: Json } {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? value : {};
}

/** Return a cell as it is drawn, whatever there is; what is no cell has nothing in it. */
export function readCell(raw: Json): ICell {
  const cell = asObject(raw);
  const type = cell.cell_type === 'markdown' || cell.cell_type === 'raw' ? cell.cell_type : 'code';
  const outputs = Array.isArray(cell.outputs) ? cell.outputs : [];
  return {
    type,
    source: textOf(cell.source),
    count: typeof cell.execution_count === 'number' ? cell.execution_count : null,
    outputs: outputs.map(one => ({ output_type: '', ...asObject(one) }) as unknown as IOutput)
  };
}

/** Return the cells of a notebook, which is somebody else's: it may be anything. */
export function cellsOf(executed: IExecutedNotebook | null): Json[] {
  const cells = executed?.notebook.cells;
  return Array.isArray(cells) ? cells : [];
}

/** Return the index of the first cell that has raised an error; null: none has. */
export function failedCellOf(cells: readonly Json[]): number | null {
  // the executed notebook has notes of its own, so that numbers of what was submitted do not help
  const at = cells.findIndex(raw => readCell(raw).outputs.some(one => one.output_type === 'error'));
  return at < 0 ? null : at;
}

/** Return the language that code is in, for its colours. */
export function languageOf(executed: IExecutedNotebook | null): string {
  const metadata = asObject(executed?.notebook.metadata);
  const { name } = asObject(metadata.language_info);
  const { language } = asObject(metadata.kernelspec);
  return [name, language].find((one): one is string => typeof one === 'string') ?? 'python';
}

/**
 * Return a notebook in which each cell that is as before is the same object as before.
 *
 * It is fetched whole while it runs; only what has changed is drawn anew.
 */
export function keepCells(
  before: IExecutedNotebook | null,
  now: IExecutedNotebook
): IExecutedNotebook {
  const old = cellsOf(before);
  const cells = cellsOf(now).map((cell, at) =>
    at < old.length && JSON.stringify(old[at]) === JSON.stringify(cell) ? old[at] : cell
  );
  return { ...now, notebook: { ...now.notebook, cells } };
}
