import { classesOf, coloursOf, parseAnsi, PLAIN, stripAnsi, styleAfter } from '../logs/ansi';
import { marked } from '../logs/marks';

const pieces = (text: string) =>
  parseAnsi(text).map(({ text: shown, style }) => [shown, classesOf(style)]);

describe('parseAnsi', () => {
  it.each([
    ['plain', [['plain', '']]],
    ['\x1b[31mred\x1b[0m no', [['red', 'ansi-red-fg'], [' no', '']]],
    ['\x1b[1;32;44mx', [['x', 'ansi-bold ansi-green-fg ansi-blue-bg']]],
    ['\x1b[91mx\x1b[39my', [['x', 'ansi-red-intense-fg'], ['y', '']]],
    ['\x1b[7mx', [['x', 'ansi-default-inverse-fg ansi-default-inverse-bg']]],
    ['\x1b[7;31mx', [['x', 'ansi-default-inverse-fg ansi-red-bg']]],
    ['\x1b[38;5;9mx', [['x', 'ansi-red-intense-fg']]],
    ['\x1b[mx', [['x', '']]],
    ['\x1b[31m\x1b[32m\x1b[0m', []]
  ])('reads %j', (text, expected) => {
    expect(pieces(text)).toEqual(expected);
  });

  it.each([
    ['\x1b[38;5;208mx', { color: '#ff8700' }],
    ['\x1b[38;5;240mx', { color: '#585858' }],
    ['\x1b[48;2;1;2;255mx', { backgroundColor: '#0102ff' }],
    ['\x1b[38:2::10:20:30mx', { color: '#0a141e' }],
    ['\x1b[38;2;999;0;0mx', {}],
    ['\x1b[38;5;999mx', {}]
  ])('reads the exact colour of %j', (text, expected) => {
    expect(coloursOf(parseAnsi(text)[0].style)).toEqual(expected);
  });

  it.each([
    '\x1b[2Jx',
    '\x1b[5;5Hx',
    '\x1b]0;a title\x07x',
    '\x1b]8;;javascript:alert(1)\x1b\\x',
    '\x1bPq#0;2;0;0;0\x1b\\x',
    '\x1b(Bx',
    '\x1b[?25lx',
    '\x1b[>31mx',
    '\x07\x00\x85x',
    '\x1b'.repeat(3) + '[0mx'
  ])('drops what is no colour: %j', text => {
    expect(pieces(text)).toEqual([['x', '']]);
  });

  it('ends with what is told after the last sequence, also an unfinished one', () => {
    expect(stripAnsi('a\x1b[31')).toBe('a31');
    expect(styleAfter('a\x1b[31mb', PLAIN)).toMatchObject({ fg: 1 });
    expect(styleAfter('nothing', PLAIN)).toBe(PLAIN);
  });

  it('keeps the ends of lines, whatever was not ended on them', () => {
    expect(stripAnsi('a\r\n\x1b]0;title\nb\tc\x1bPdcs\nd')).toBe('a\r\n\nb\tc\nd');
  });

  it('makes few pieces of a million sequences, and soon', () => {
    const bomb = Array.from({ length: 200_000 }, (_, n) => `\x1b[3${n % 8}mx`).join('');

    const spans = parseAnsi(bomb);

    expect(spans.length).toBeLessThanOrEqual(300);
    expect(spans.map(span => span.text).join('')).toHaveLength(200_000);
  });
});

describe('marked', () => {
  const spans = parseAnsi('Need\x1b[31mle and needle');

  it('marks places across colours, in any case', () => {
    expect(marked(spans, 'NEEDLE').map(({ text, isHit }) => [text, isHit])).toEqual([
      ['Need', true],
      ['le', true],
      [' and ', false],
      ['needle', true]
    ]);
  });

  it('keeps the whole text, whatever is searched for', () => {
    for (const wanted of ['', 'e', 'ee', 'needle and', 'zzz', 'ß']) {
      const whole = marked(spans, wanted).map(piece => piece.text).join('');
      expect(whole).toBe('Needle and needle');
    }
  });

  it('marks nothing where lower case has another length', () => {
    const turkish = parseAnsi('\u0130stanbul needle');
    expect(marked(turkish, 'needle').some(piece => piece.isHit)).toBe(false);
  });
});
