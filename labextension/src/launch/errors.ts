import type { FlotillaError } from '../api';
import type { IOption, Json, Options } from '../wire';

/** A field of the form: `what`, `engine`, `option:memory`, `parameter:alpha`. */
export type FieldKey = string;

export const optionField = (keyword: string): FieldKey => `option:${keyword}`;
export const parameterField = (name: string): FieldKey => `parameter:${name}`;

const ABOUT_WHAT = ['file-not-found', 'invalid-notebook', 'unsendable-input', 'run-not-found'];

/** What the form knows when an error is about one of its fields. */
export interface IAsked {
  /** Options that have a field now. */
  options: readonly IOption[];
  parameters: readonly string[];
  /** Names of all engines. */
  engines: readonly string[];
  /** What was sent. */
  sent: Options;
}

function named(message: string, { options }: IAsked): IOption | undefined {
  for (const [, flag] of message.matchAll(/--([a-z][a-z-]*)/g)) {
    const option = options.find(one => one.name === flag || `no-${one.name}` === flag);
    if (option) {
      return option;
    }
  }
  const word = /^([a-z_]+)(?:[ =:]|$)/.exec(message)?.[1];
  return options.find(one => one.keyword === word);
}

function texts(value: Json): string[] {
  if (Array.isArray(value)) {
    return value.flatMap(texts);
  }
  return value === null || typeof value === 'object' ? [] : [String(value)];
}

/** Return the option whose value is repeated at the beginning of a message. */
function quoted(message: string, { options, sent }: IAsked): IOption | undefined {
  const found = /^(?:'([^']*)'|"([^"]*)"|([\d.]+) )/.exec(message);
  const value = found && (found[1] ?? found[2] ?? found[3]);
  if (value === null) {
    return undefined;
  }
  return options.find(one => texts(sent[one.keyword] ?? null).includes(value));
}

/** Return the field that an error is about; null: none, or it cannot be told. */
export function fieldOf(error: FlotillaError, asked: IAsked): FieldKey | null {
  // the words before name who said it: a file of settings, or whoever fills in the form
  const message = error.message.replace(/^what you asked for: /, '');
  const parameter = asked.parameters.find(name => message.includes(`parameter '${name}'`));
  if (parameter !== undefined) {
    return parameterField(parameter);
  }
  if (ABOUT_WHAT.includes(error.code)) {
    return 'what';
  }
  const isOfEngine = asked.engines.some(one => message.startsWith(`${one}: `));
  if (isOfEngine || error.code === 'unknown-engine') {
    return 'engine';
  }
  if (/^there is no profile @/.test(message)) {
    return optionField('profile');
  }
  if (/^there is a schedule '/.test(message)) {
    return optionField('name');
  }
  const option = named(message, asked) ?? quoted(message, asked);
  return option ? optionField(option.keyword) : null;
}
