import { RunList } from '../list';
import type { IRunQuery } from '../wire';
import { aPage, aRun, aRunningRun, manyRuns } from './fakes';

const NEWEST: IRunQuery = { sort: 'created_at', order: 'desc' };
const now = Date.parse('2026-11-26T10:00:00Z');

describe('RunList', () => {
  it('renews a row in its place', () => {
    const list = new RunList(NEWEST, aPage(manyRuns(3)));
    const order = list.order;

    list.apply([{ ...manyRuns(3)[1], status: 'FAILED', seq: 2 }], now);

    expect(list.order).toBe(order);
    expect(list.row(order[1])?.run.status).toBe('FAILED');
  });

  it('keeps a row where news of it come late', () => {
    const run = aRun({ seq: 5 });
    const list = new RunList(NEWEST, aPage([run]));

    list.apply([aRunningRun({ seq: 4 })], now);

    expect(list.row(run.id)?.run.status).toBe('SUCCEEDED');
  });

  it('puts a new run where it belongs', () => {
    const list = new RunList(NEWEST, aPage(manyRuns(3)));
    const between = aRun({ id: 'rnew', created_at: '2026-11-26T07:59:58.500Z' });

    const change = list.apply([between], now);

    expect(list.order[2]).toBe('rnew');
    expect(change).toEqual({ grownBy: 1, isCounted: true });
  });

  it('drops a run that no longer matches', () => {
    const running = { ...NEWEST, status: ['RUNNING' as const] };
    const list = new RunList(running, aPage([aRunningRun()]));

    const change = list.apply([aRun({ seq: 2 })], now);

    expect(list.order).toEqual([]);
    expect(change).toEqual({ grownBy: -1, isCounted: true });
  });

  it('leaves out a run whose place is not loaded, and does not claim to count it', () => {
    const list = new RunList(NEWEST, aPage(manyRuns(3), { next: 'more', total: 10 }));

    const change = list.apply([aRun({ id: 'rold', created_at: '2020-01-01T00:00:00Z' })], now);

    expect(list.order).toHaveLength(3);
    expect(change.isCounted).toBe(false);
  });

  it('moves a row where it is sorted by status', () => {
    const first = aRunningRun({ id: 'r1' });
    const list = new RunList({ sort: 'status', order: 'asc' }, aPage([first, aRun({ id: 'r2' })]));

    list.apply([{ ...first, status: 'FAILED', seq: 9 }], now);

    expect(list.order).toEqual(['r2', 'r1']);
  });

  it('does not repeat a run that comes on two pages', () => {
    const runs = manyRuns(4);
    const list = new RunList(NEWEST, aPage(runs.slice(0, 3), { next: 'x' }));

    list.append(aPage(runs.slice(2)));

    expect(list.order).toEqual(runs.map(run => run.id));
    expect(list.next).toBeNull();
  });

  it.each([
    ['TRAIN', true],
    ['r00000', true],
    ['ada', true],
    ['/home/', true],
    ['nothing', false]
  ])('finds by %s as the server does', (text, isFound) => {
    const list = new RunList({ ...NEWEST, text }, aPage([]));

    list.apply([aRun()], now);

    expect(list.order.length === 1).toBe(isFound);
  });

  it('takes news of hundreds of runs among 100,000 at once', () => {
    const runs = manyRuns(100_000);
    const list = new RunList(NEWEST, aPage(runs));

    const change = list.apply(runs.slice(0, 1000).map(run => ({ ...run, seq: 2 })), now);

    expect(change.grownBy).toBe(0);
    expect(list.row(runs[999].id)?.run.seq).toBe(2);
  });
});
