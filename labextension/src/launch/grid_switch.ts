import type { IParameter } from '../wire';
import { kindOf } from './parameters';
import type { IParameterWish } from './wishes';

/** Return a parameter's default as one would type it; empty: it has none, or none that can be. */
export function defaultText(parameter: IParameter): string {
  const value = parameter.default;
  if (value === null) {
    return '';
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Return what is in the field once "grid" is switched on or off: something right, if it can. */
export function switched(parameter: IParameter, wish: IParameterWish): IParameterWish {
  const kind = kindOf(parameter);
  const usual = defaultText(parameter);
  if (!wish.isGrid) {
    const one = wish.text || usual;
    if (kind === 'bool') {
      return { text: 'true, false', isGrid: true };
    }
    return { text: kind === 'list' || kind === 'dict' ? `[${one}]` : one, isGrid: true };
  }
  if (kind === 'list' || kind === 'dict') {
    return { text: '', isGrid: false };
  }
  const first = wish.text.split(',')[0].trim();
  return { text: first === usual ? '' : first, isGrid: false };
}
