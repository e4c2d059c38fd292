import type { IRecord, IStreamPage } from '../../wire';
import { PAGE, StreamWindow } from '../logs/window';

const TOTAL = 20_000;

function page(first: number, last: number, fields: Partial<IStreamPage> = {}): IStreamPage {
  const records: IRecord[] = Array.from({ length: Math.max(0, last - first + 1) }, (_, n) => ({
    seq: first + n,
    at: 0,
    cell: null,
    kind: 'stdout',
    text: 'x\n'
  }));
  return {
    attempt: 1,
    records,
    first: records.length ? first : 0,
    last,
    at_start: first <= 1,
    at_end: last >= TOTAL,
    is_over: last >= TOTAL,
    ...fields
  };
}

const seqs = (shown: StreamWindow) => shown.records.map(record => record.seq);

describe('StreamWindow', () => {
  it('begins anywhere', () => {
    const shown = new StreamWindow();
    shown.reset(page(1000, 1499));

    expect([shown.first, shown.last, shown.atStart, shown.atEnd]).toEqual([1000, 1499, false, false]);
  });

  it('never grows beyond a bound forwards, and knows that it has no beginning then', () => {
    const shown = new StreamWindow();
    shown.reset(page(1, PAGE));
    for (let first = PAGE + 1; first <= TOTAL; first += PAGE) {
      shown.append(page(first, first + PAGE - 1));
      expect(shown.records.length).toBeLessThanOrEqual(8 * PAGE);
    }

    expect([shown.last, shown.atEnd, shown.isOver, shown.atStart]).toEqual([TOTAL, true, true, false]);
    expect(seqs(shown)).toEqual(Array.from({ length: 8 * PAGE }, (_, n) => TOTAL - 8 * PAGE + 1 + n));
  });

  it('never grows beyond it backwards, and asks for what it dropped when one comes back', () => {
    const shown = new StreamWindow();
    shown.reset(page(TOTAL - PAGE + 1, TOTAL));
    while (!shown.atStart) {
      shown.prepend(page(Math.max(1, shown.first - PAGE), shown.first - 1));
    }

    expect([shown.first, shown.last, shown.atEnd, shown.isOver]).toEqual([1, 8 * PAGE, false, false]);
    shown.append(page(shown.last + 1, shown.last + PAGE));
    expect(seqs(shown)[0]).toBe(PAGE + 1);
  });

  it('takes few records at a time from a follower, without a page for each', () => {
    const shown = new StreamWindow();
    shown.reset(page(1, 1, { at_end: true }));
    for (let seq = 2; seq <= 5000; seq++) {
      shown.append(page(seq, seq, { at_end: true }));
    }

    expect(shown.last).toBe(5000);
    expect(shown.records.length).toBeGreaterThan(6 * PAGE);
    expect(shown.records.length).toBeLessThanOrEqual(8 * PAGE);
  });

  it('is bounded by size, too, but keeps the pages that may be in sight', () => {
    const large = (seq: number) => {
      const one = page(seq, seq);
      one.records[0].text = 'x'.repeat(3 * 1024 * 1024);
      return one;
    };
    const shown = new StreamWindow();
    shown.reset(page(1, PAGE));
    shown.append(large(PAGE + 1));
    shown.append(large(PAGE + 2));
    shown.append(large(PAGE + 3));

    expect(shown.last).toBe(PAGE + 3);
    expect(shown.records.length).toBeLessThan(PAGE);
  });

  it('is empty before anything was said, and goes on from there', () => {
    const shown = new StreamWindow();
    shown.reset(page(1, 0, { at_end: true, is_over: false }));
    expect([shown.first, shown.last, shown.atEnd]).toEqual([0, 0, true]);
    shown.append(page(1, 3, { at_end: true }));
    expect(seqs(shown)).toEqual([1, 2, 3]);
  });
});
