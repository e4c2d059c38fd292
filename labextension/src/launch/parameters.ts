import type { TranslationBundle } from '@jupyterlab/translation';
import type { IParameter, Json } from '../wire';
import type { IParameterWish } from './wishes';

/** As many values as one parameter of a grid can have; the server allows no larger grid. */
const MAX_VALUES = 10_000;

const NUMBER = String.raw`[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?`;
const RANGE = new RegExp(`^(${NUMBER}):(${NUMBER}):(${NUMBER})$`);
/** A word, or one in double quotes in which commas are no separators. */
const WORDS = /\s*(?:"((?:[^"]|"")*)"|([^,]*))\s*(,|$)/y;

/** What is wrong with what was typed for a parameter. */
export class ValueProblem extends Error {}

/** What was typed for all parameters, read. */
export interface IReadParameters {
  params: { [name: string]: Json };
  grid: { [name: string]: Json[] };
  /** What is wrong, by parameter. */
  problems: { [name: string]: string };
}

type Kind = 'int' | 'float' | 'str' | 'bool' | 'list' | 'dict' | 'any';

/** Return of which kind a parameter's values are; annotations have more words than we know. */
export function kindOf(parameter: IParameter): Kind {
  const word = String(parameter.type ?? '').toLowerCase();
  const known: { [word: string]: Kind } = {
    int: 'int',
    float: 'float',
    str: 'str',
    bool: 'bool',
    list: 'list',
    tuple: 'list',
    dict: 'dict'
  };
  return known[word] ?? 'any';
}

function parsedJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

function readNumber(text: string, isWhole: boolean, trans: TranslationBundle): number {
  const value = Number(text);
  if (!new RegExp(isWhole ? String.raw`^[-+]?\d+$` : `^${NUMBER}$`).test(text)) {
    throw new ValueProblem(
      isWhole
        ? trans.__('%1 is not a whole number.', JSON.stringify(text))
        : trans.__('%1 is not a number.', JSON.stringify(text))
    );
  }
  if (!Number.isFinite(value) || (isWhole && !Number.isSafeInteger(value))) {
    throw new ValueProblem(trans.__('%1 is too large to be sent exactly.', text));
  }
  return value;
}

/** Return the value that a text stands for; throws a {@link ValueProblem}. */
export function readValue(parameter: IParameter, text: string, trans: TranslationBundle): Json {
  const kind = kindOf(parameter);
  const trimmed = text.trim();
  if (kind === 'int' || kind === 'float') {
    return readNumber(trimmed, kind === 'int', trans);
  }
  if (kind === 'str') {
    return text === '""' ? '' : text;
  }
  const value = parsedJson(trimmed);
  switch (kind) {
    case 'bool':
      if (!/^(true|false)$/i.test(trimmed)) {
        throw new ValueProblem(trans.__('%1 is neither true nor false.', JSON.stringify(text)));
      }
      return trimmed.toLowerCase() === 'true';
    case 'list':
      if (!Array.isArray(value)) {
        throw new ValueProblem(trans.__('This is no JSON list; write it like [1, "two"].'));
      }
      return value;
    case 'dict':
      if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        throw new ValueProblem(trans.__('This is no JSON object; write it like {"key": 1}.'));
      }
      return value;
    default:
      return value === undefined ? text : value;
  }
}

function wordsOf(text: string): string[] {
  const words: string[] = [];
  WORDS.lastIndex = 0;
  for (;;) {
    const found = WORDS.exec(text);
    if (found === null) {
      return []; // a quote that does not end
    }
    words.push(found[1] === undefined ? found[2].trim() : found[1].replace(/""/g, '"'));
    if (found[3] === '') {
      return words;
    }
  }
}

function decimalsOf(text: string): number {
  const [number, exponent = '0'] = text.toLowerCase().split('e');
  return Math.max(0, (number.split('.')[1] ?? '').length - Number(exponent));
}

function rangeOf(parts: string[], trans: TranslationBundle): number[] {
  const [start, stop, step] = parts.map(Number);
  // floating point would make 0.30000000000000004 of 0.1:0.5:0.1
  const decimals = Math.min(100, Math.max(decimalsOf(parts[0]), decimalsOf(parts[2])));
  const count = Math.floor((stop - start) / step + 1e-9) + 1;
  if (step === 0 || !(count >= 1)) {
    throw new ValueProblem(
      trans.__('%1 never comes from %2 to %3.', parts.join(':'), parts[0], parts[1])
    );
  }
  if (count > MAX_VALUES) {
    throw new ValueProblem(
      trans.__('%1 has more than %2 values.', parts.join(':'), MAX_VALUES.toLocaleString())
    );
  }
  return Array.from({ length: count }, (_, n) => Number((start + n * step).toFixed(decimals)));
}

/**
 * Return the values of `1, 2, 3`, of `3:9:2` (9 included) or of a JSON list; throws a
 * {@link ValueProblem}.
 */
export function readAxis(parameter: IParameter, text: string, trans: TranslationBundle): Json[] {
  const kind = kindOf(parameter);
  const trimmed = text.trim();
  const range = kind === 'str' ? null : RANGE.exec(trimmed);
  if (range) {
    return rangeOf(range.slice(1), trans);
  }
  const listed = trimmed.startsWith('[') ? parsedJson(trimmed) : undefined;
  if (Array.isArray(listed) && listed.length) {
    return listed.map(value =>
      readValue(parameter, typeof value === 'string' ? value : JSON.stringify(value), trans)
    );
  }
  if (kind === 'list' || kind === 'dict') {
    throw new ValueProblem(trans.__('This is no JSON list of values, one for each run.'));
  }
  const words = wordsOf(trimmed);
  if (!words.length || words.some(word => word === '')) {
    throw new ValueProblem(trans.__('One value is empty; write them like 1, 2, 3 or 3:9:2.'));
  }
  return words.map(word => readValue(parameter, word, trans));
}

/** Return what is to be sent for all parameters: of those that were changed only. */
export function readParameters(
  parameters: readonly IParameter[],
  wishes: { readonly [name: string]: IParameterWish },
  trans: TranslationBundle
): IReadParameters {
  const read: IReadParameters = { params: {}, grid: {}, problems: {} };
  for (const parameter of parameters) {
    const { name } = parameter;
    const wish = Object.prototype.hasOwnProperty.call(wishes, name) ? wishes[name] : undefined;
    if (!wish) {
      continue;
    }
    try {
      if (wish.isGrid) {
        read.grid[name] = readAxis(parameter, wish.text, trans);
      } else {
        read.params[name] = readValue(parameter, wish.text, trans);
      }
    } catch (thrown) {
      if (!(thrown instanceof ValueProblem)) {
        throw thrown;
      }
      read.problems[name] = thrown.message;
    }
  }
  return read;
}

/** Return how many runs a grid has: all values with all. */
export function gridSize(grid: { readonly [name: string]: readonly Json[] }): number {
  return Object.values(grid).reduce((size, values) => size * values.length, 1);
}
