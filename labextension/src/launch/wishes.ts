import type { Json } from '../wire';

/** What was typed for a parameter. */
export interface IParameterWish {
  text: string;
  /** The text is a list of values, and there is a run for each. */
  isGrid: boolean;
}

/** What the user has changed in the form; what is not in it is left to the server. */
export interface IWishes {
  /** Null: the configured one. */
  engine: string | null;
  /** Texts as typed, flags as ticked, by the keywords of options. */
  options: { readonly [keyword: string]: string | boolean };
  parameters: { readonly [name: string]: IParameterWish };
}

export const NO_WISHES: IWishes = { engine: null, options: {}, parameters: {} };

/** Say whether anything was changed at all. */
export function hasWishes({ engine, options, parameters }: IWishes): boolean {
  return engine !== null || Object.keys(options).length + Object.keys(parameters).length > 0;
}

/** Return wishes with one option changed; undefined: left to the server again. */
export function withOption(
  wishes: IWishes,
  keyword: string,
  value: string | boolean | undefined
): IWishes {
  const { [keyword]: _, ...rest } = wishes.options;
  const isGiven = value !== undefined && value !== '';
  return { ...wishes, options: isGiven ? { ...rest, [keyword]: value } : rest };
}

/** Return wishes with one parameter changed; no text and no grid: its default again. */
export function withParameter(wishes: IWishes, name: string, wish: IParameterWish): IWishes {
  const { [name]: _, ...rest } = wishes.parameters;
  const isGiven = wish.text !== '' || wish.isGrid;
  return { ...wishes, parameters: isGiven ? { ...rest, [name]: wish } : rest };
}

function isRecord(value: unknown): value is { [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readParameter(stored: unknown): IParameterWish | null {
  if (!isRecord(stored) || typeof stored.text !== 'string') {
    return null;
  }
  return { text: stored.text, isGrid: stored.isGrid === true };
}

/** Return wishes read from anything: what is none of ours is left out. */
export function readWishes(stored: unknown): IWishes {
  if (!isRecord(stored)) {
    return NO_WISHES;
  }
  let wishes: IWishes = {
    ...NO_WISHES,
    engine: typeof stored.engine === 'string' ? stored.engine : null
  };
  for (const [keyword, value] of Object.entries(isRecord(stored.options) ? stored.options : {})) {
    if (typeof value === 'string' || typeof value === 'boolean') {
      wishes = withOption(wishes, keyword, value);
    }
  }
  const parameters = isRecord(stored.parameters) ? stored.parameters : {};
  for (const [name, value] of Object.entries(parameters)) {
    const wish = readParameter(value);
    wishes = wish ? withParameter(wishes, name, wish) : wishes;
  }
  return wishes;
}

/** Return a value as it stands in a field. */
export function valueText(value: Json): string {
  if (value === null) {
    return '';
  }
  if (Array.isArray(value)) {
    return value.map(valueText).join(', ');
  }
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
