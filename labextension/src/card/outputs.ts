import type { IOutput } from '@jupyterlab/nbformat';
import type { IOutputAreaModel } from '@jupyterlab/outputarea';
import type { ReadonlyPartialJSONValue } from '@lumino/coreutils';
import { JSONExt } from '@lumino/coreutils';
import { MIME, readRunId } from './bundle';

/** How many outputs of a cell are looked through for a card. */
const MOST_LOOKED_AT = 20;

/** The card that a cell shows. */
export interface IShownCard {
  runId: string;
  /** As it was stored; nothing in it is a fact. */
  bundle: ReadonlyPartialJSONValue;
}

/** Return the card among the outputs of a cell; null: there is none. */
export function shownCard(outputs: IOutputAreaModel): IShownCard | null {
  for (let at = 0; at < Math.min(outputs.length, MOST_LOOKED_AT); at++) {
    const output = outputs.get(at);
    // the data of a long stream is made when it is asked for
    const bundle = output.type === 'display_data' ? output.data[MIME] : undefined;
    const runId = readRunId((bundle as { run_id?: unknown } | undefined)?.run_id);
    if (runId && bundle) {
      return { runId, bundle };
    }
  }
  return null;
}

/** Return outputs with neighbours that are of the same stream in one, as an output area has them. */
export function merged(outputs: readonly IOutput[]): IOutput[] {
  const done: IOutput[] = [];
  for (const output of outputs) {
    const last = done[done.length - 1];
    if (last?.output_type === 'stream' && kindOf(last) === kindOf(output)) {
      const text = textOf(last.text) + textOf(output.text);
      done[done.length - 1] = { ...last, text };
    } else {
      done.push(output);
    }
  }
  return done;
}

/**
 * Make the outputs of a cell these, and touch only those that are others.
 *
 * What was there keeps its place on the page, so that nothing flickers or scrolls; undoing an edit
 * does not bring it back.
 */
export function setOutputs(area: IOutputAreaModel, wanted: readonly IOutput[]): boolean {
  const outputs = merged(wanted);
  const before = area.toJSON();
  // an output area adds at its end alone, and shows what is of another kind anew
  const isGrown =
    before.length <= outputs.length &&
    before.every((output, at) => kindOf(output) === kindOf(outputs[at]));
  if (!isGrown) {
    area.fromJSON([...outputs]);
    return true;
  }
  let isChanged = false;
  outputs.forEach((output, at) => {
    if (at >= before.length) {
      area.add(output);
      isChanged = true;
    } else if (!isSame(before[at], output)) {
      area.set(at, output);
      isChanged = true;
    }
  });
  return isChanged;
}

function kindOf(output: IOutput): string {
  return output.output_type === 'stream' ? `stream ${String(output.name)}` : output.output_type;
}

function isSame(one: IOutput, other: IOutput): boolean {
  return one.output_type === 'stream'
    ? textOf(one.text) === textOf(other.text)
    : JSONExt.deepEqual(comparable(one), comparable(other));
}

/** Texts are lists of lines in a file, and one text in a page. */
function comparable(output: IOutput): IOutput {
  const data = output['data'] as { [mime: string]: ReadonlyPartialJSONValue } | undefined;
  if (!data) {
    return output;
  }
  const joined = Object.entries(data).map(([mime, value]) => [
    mime,
    isTexts(value) ? value.join('') : value
  ]);
  return { ...output, data: Object.fromEntries(joined) };
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every(line => typeof line === 'string');
}

function textOf(text: unknown): string {
  return Array.isArray(text) ? text.join('') : String(text ?? '');
}
