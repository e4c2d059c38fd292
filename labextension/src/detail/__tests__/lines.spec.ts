import type { IRecord } from '../../wire';
import { PLAIN } from '../logs/ansi';
import type { ITextLine } from '../logs/lines';
import { LineBuilder } from '../logs/lines';
import { LINE_MOST, thinned } from '../logs/thinning';

let seq = 0;
const record = (kind: IRecord['kind'], fields: Partial<IRecord> = {}): IRecord => ({
  seq: ++seq,
  at: 0,
  cell: 0,
  kind,
  ...fields
});
const out = (text: string) => record('stdout', { text });
const err = (text: string) => record('stderr', { text });

function linesOf(...records: IRecord[]): string[] {
  const builder = new LineBuilder();
  builder.feed(records);
  return builder.lines.map(line => (line.type === 'text' ? line.text : '<rich>'));
}

beforeEach(() => {
  seq = 0;
});

describe('LineBuilder', () => {
  it.each([
    ['lines of one record', [out('a\nb\n')], ['a', 'b']],
    ['a line in pieces', [out('a'), out('b\nc'), out('d')], ['ab', 'cd']],
    ['empty lines', [out('\n\na\n')], ['', '', 'a']],
    ['line ends of Windows', [out('a\r\nb\r'), out('\nc')], ['a', 'b', 'c']],
    ['a bar', [out('1%\r2%\r3%')], ['3%']],
    ['a bar in pieces', [out('1%'), out('\r2%'), out('\r'), out('3%\nend')], ['3%', 'end']],
    ['a bar whose end was cleared', [out('1%\r   \rdone\n')], ['done']],
    ['a line that only goes back', [out('a\r')], ['a']],
    ['two streams', [out('a'), err('x\n'), out('b\n')], ['a', 'x', 'b']],
    ['a bar among other lines', [err('1%'), out('a\n'), err('\r2%'), out('b\n')], ['a', '2%', 'b']],
    ['nothing', [out('')], []]
  ])('makes lines of %s', (_, records, expected) => {
    expect(linesOf(...(records as IRecord[]))).toEqual(expected);
  });

  it('cuts a line that is too long, and says by how much', () => {
    const builder = new LineBuilder();
    for (let n = 0; n < 100; n++) {
      builder.feed([out('y'.repeat(8192))]);
    }
    const [line] = builder.lines as ITextLine[];

    expect(line.text).toHaveLength(LINE_MOST);
    expect(line.rest).toBe(100 * 8192 - LINE_MOST);
  });

  it('takes a million sequences without a line end', () => {
    const builder = new LineBuilder();
    const bomb = '\x1b[31m\x1b[0m'.repeat(910);
    for (let n = 0; n < 600; n++) {
      builder.feed([out(bomb)]);
    }
    builder.feed([out('\nend\n')]);

    expect(builder.lines).toHaveLength(2);
  });

  it('cuts at the same place what was thinned before', () => {
    const records = Array.from({ length: 60 }, () => out('z'.repeat(8192)));
    const all = [out('a\n'), ...records, out('z\nend\n')];
    const kept = thinned(all);
    const whole = new LineBuilder();
    whole.feed(all);
    const thin = new LineBuilder();
    thin.feed(kept);

    expect(kept.length).toBe(5);
    expect(thin.lines).toEqual(whole.lines);
    expect(thinned([out('1%\r'), ...records.slice(0, 1), out('2%\r')])).toHaveLength(3);
  });

  it('goes on in the colour of the line before, each stream in its own', () => {
    const builder = new LineBuilder();
    builder.feed([out('\x1b[31mred\n'), err('plain\n'), out('still\x1b[0m\nplain')]);

    const styles = (builder.lines as ITextLine[]).map(line => line.style.fg);
    expect(styles).toEqual([null, null, 1, null]);
    expect((builder.lines[3] as ITextLine).style).toEqual(PLAIN);
  });

  it('has keys that stay when more comes', () => {
    const all = [out('a\nb'), out('c\nd\n')];
    const once = new LineBuilder();
    once.feed(all);
    const twice = new LineBuilder();
    twice.feed(all.slice(0, 1));
    twice.feed(all.slice(1));

    expect(twice.lines).toEqual(once.lines);
    expect(once.lines.map(line => line.key)).toEqual(['1:0', '1:1', '2:1']);
  });

  it('tells cells, errors and metrics, and how far it is only once', () => {
    const found = linesOf(
      record('cell', { total: 3, cell: 1 }),
      record('progress', { done: 1, total: 4, message: 'a' }),
      out('x\n'),
      record('progress', { done: 2, total: 4, message: '' }),
      record('metric', { name: 'loss', value: 0.5, step: 3 }),
      record('error', { ename: 'E', evalue: 'v', traceback: ['one\ntwo', 'three'] }),
      record('error', { ename: 'E', evalue: 'v', traceback: [] })
    );

    expect(found).toEqual(['2/3', 'x', '2/4', 'loss = 0.5 (3)', 'one', 'two', 'three', 'E: v']);
  });

  it('draws what has more than text, and replaces what is updated', () => {
    const html = (text: string) => ({ data: { 'text/html': text }, display_id: 'd' });
    const builder = new LineBuilder();
    builder.feed([
      record('display', html('1')),
      record('result', { data: { 'text/plain': ['a\n', 'b'] } }),
      record('update', html('2'))
    ]);

    expect(builder.lines).toHaveLength(3);
    expect(builder.lines[0]).toMatchObject({ type: 'rich', key: '1:0' });
    expect(builder.lines[0]).toMatchObject({ record: { data: { 'text/html': '2' } } });
  });

  it('forgets what a cell has drawn when it clears, and nothing that was said', () => {
    const data = { 'image/png': '' };
    const found = linesOf(
      record('display', { data, cell: 0 }),
      out('said\n'),
      record('display', { data, cell: 1 }),
      record('clear', { cell: 1 }),
      record('display', { data, cell: 1 })
    );

    expect(found).toEqual(['<rich>', 'said', '<rich>']);
  });
});
