/**
 * What terminals are told by escape sequences, as far as a page shows it: colours and weights (SGR).
 * Everything else, such as moving the cursor, setting titles or making links, is dropped.
 */

/** One of the 16 named colours (8 and above are intense), an exact one as `#rrggbb`, or none. */
export type Colour = number | string | null;

/** How a piece of text looks. */
export interface IStyle {
  readonly fg: Colour;
  readonly bg: Colour;
  readonly bold: boolean;
  readonly faint: boolean;
  readonly italic: boolean;
  readonly underline: boolean;
  readonly strike: boolean;
  readonly inverse: boolean;
}

export const PLAIN: IStyle = {
  fg: null,
  bg: null,
  bold: false,
  faint: false,
  italic: false,
  underline: false,
  strike: false,
  inverse: false
};

/** A piece of text that looks the same all along. */
export interface ISpan {
  text: string;
  style: IStyle;
}

const NAMES = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'];

/** More pieces than this of one line are not told apart: a page must not drown in elements. */
const MOST_SPANS = 300;
/** More numbers than this in one sequence mean nothing. */
const MOST_NUMBERS = 32;

// In order: CSI; OSC; DCS, SOS, PM and APC; two characters; C1 and other controls. Tabs and line
// ends are none of them, and end whatever was not ended.
const ESCAPES =
  // eslint-disable-next-line no-control-regex
  /(?:\x1b\[|\x9b)([0-?]*)[ -/]*([@-~])|\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)?|\x1b[PX^_][^\x1b\n]*(?:\x1b\\)?|\x1b[ -/]*[0-~]?|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/g;

/** Return text without anything that a terminal would not show. */
export function stripAnsi(text: string): string {
  return text.replace(ESCAPES, '');
}

/** Return the style that holds after some text. */
export function styleAfter(text: string, style: IStyle): IStyle {
  if (!text.includes('\x1b') && !text.includes('\x9b')) {
    return style;
  }
  let after = style;
  for (const found of text.matchAll(ESCAPES)) {
    after = changed(after, found);
  }
  return after;
}

/** Return the pieces of a line, without its escape sequences, that look the same. */
export function parseAnsi(text: string, style: IStyle = PLAIN): ISpan[] {
  const spans: ISpan[] = [];
  let shown = style;
  let at = 0;
  const add = (piece: string) => {
    const last = spans[spans.length - 1];
    if (!piece) {
      return;
    }
    if (last && (last.style === shown || spans.length >= MOST_SPANS)) {
      last.text += piece;
    } else {
      spans.push({ text: piece, style: shown });
    }
  };
  for (const found of text.matchAll(ESCAPES)) {
    add(text.slice(at, found.index));
    at = found.index + found[0].length;
    shown = changed(shown, found);
  }
  add(text.slice(at));
  return spans;
}

/** Return the classes of a style, as Lab's own text has them. */
export function classesOf(style: IStyle): string {
  const fg = style.inverse ? style.bg : style.fg;
  const bg = style.inverse ? style.fg : style.bg;
  const flags = ['bold', 'faint', 'italic', 'underline', 'strike'] as const;
  const classes = flags.filter(flag => style[flag]).map(flag => `ansi-${flag}`);
  classes.push(...colourClass(fg, 'fg', style.inverse), ...colourClass(bg, 'bg', style.inverse));
  return classes.join(' ');
}

/** Return the exact colours of a style, which no class has. */
export function coloursOf(style: IStyle): { color?: string; backgroundColor?: string } {
  const fg = style.inverse ? style.bg : style.fg;
  const bg = style.inverse ? style.fg : style.bg;
  return {
    ...(typeof fg === 'string' ? { color: fg } : {}),
    ...(typeof bg === 'string' ? { backgroundColor: bg } : {})
  };
}

function colourClass(colour: Colour, where: 'fg' | 'bg', isInverse: boolean): string[] {
  if (colour === null) {
    return isInverse ? [`ansi-default-inverse-${where}`] : [];
  }
  if (typeof colour === 'string') {
    return [];
  }
  return [`ansi-${NAMES[colour % 8]}${colour > 7 ? '-intense' : ''}-${where}`];
}

function changed(style: IStyle, found: RegExpMatchArray): IStyle {
  // an absent number is 0; `?`, `<` and the like belong to private sequences
  const isOurs = found[2] === 'm' && /^[\d;:]*$/.test(found[1]) && found[1].length < 200;
  if (!isOurs) {
    return style;
  }
  const numbers = found[1].split(/[;:]/).slice(0, MOST_NUMBERS).map(Number);
  let next = { ...style };
  for (let at = 0; at < numbers.length; at++) {
    const code = numbers[at];
    if (code === 38 || code === 48) {
      const isColon = found[1].includes(':');
      const [colour, used] = exactColour(numbers.slice(at + 1), isColon);
      next = { ...next, [code === 38 ? 'fg' : 'bg']: colour };
      at += used;
    } else {
      next = { ...next, ...simpleChange(code) };
    }
  }
  return isSame(next, style) ? style : next;
}

function isSame(one: IStyle, other: IStyle): boolean {
  return (Object.keys(one) as (keyof IStyle)[]).every(key => one[key] === other[key]);
}

const SIMPLE: { readonly [code: number]: Partial<IStyle> } = {
  0: PLAIN,
  1: { bold: true },
  2: { faint: true },
  3: { italic: true },
  4: { underline: true },
  7: { inverse: true },
  9: { strike: true },
  21: { bold: false },
  22: { bold: false, faint: false },
  23: { italic: false },
  24: { underline: false },
  27: { inverse: false },
  29: { strike: false },
  39: { fg: null },
  49: { bg: null }
};

function simpleChange(code: number): Partial<IStyle> {
  const between = (first: number) => code >= first && code < first + 8;
  if (between(30)) {
    return { fg: code - 30 };
  }
  if (between(40)) {
    return { bg: code - 40 };
  }
  if (between(90)) {
    return { fg: code - 90 + 8 };
  }
  if (between(100)) {
    return { bg: code - 100 + 8 };
  }
  return SIMPLE[code] ?? {};
}

/** Return the colour that follows a 38 or 48, and how many numbers it takes. */
function exactColour(numbers: number[], isColon: boolean): [Colour, number] {
  if (numbers[0] === 5) {
    return [indexed(numbers[1]), 2];
  }
  if (numbers[0] === 2) {
    // with colons there is a colour space, mostly empty, before the three parts
    const skipped = isColon && numbers.length >= 5 ? 2 : 1;
    return [hex(numbers.slice(skipped, skipped + 3)), skipped + 3];
  }
  return [null, 1];
}

function indexed(index: number | undefined): Colour {
  if (index === undefined || !(index >= 0 && index < 256)) {
    return null;
  }
  if (index < 16) {
    return index;
  }
  if (index >= 232) {
    const grey = 8 + (index - 232) * 10;
    return hex([grey, grey, grey]);
  }
  const level = (part: number) => (part === 0 ? 0 : 55 + part * 40);
  const cube = index - 16;
  return hex([Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6].map(level));
}

function hex(parts: number[]): Colour {
  if (parts.length !== 3 || parts.some(part => !(part >= 0 && part < 256))) {
    return null;
  }
  return `#${parts.map(part => part.toString(16).padStart(2, '0')).join('')}`;
}
