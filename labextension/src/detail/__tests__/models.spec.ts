import {
  aPage,
  aRun,
  aRunningRun,
  aStatus,
  FakeServer,
  FakeSocket,
  NOW,
  settle
} from '../../__tests__/fakes';
import { FlotillaApi } from '../../api';
import { RunsModel } from '../../runs';
import type { IRun, IRunDetail } from '../../wire';
import { DetailModel } from '../detail_model';
import { collectLine, collectLog } from '../logs/download';
import type { ITextLine } from '../logs/lines';
import { LogModel } from '../logs/log_model';
import type { IFound } from '../logs/search_model';
import { SearchModel } from '../logs/search_model';
import { Polled } from '../polled';
import { Visibility } from '../visible';

/** A stream that has so many records, and a server that serves it as ours does. */
class FakeStream {
  constructor(public total: number) {}

  isOver = true;
  isBroken = false;
  /** Requests that are held until there is more. */
  held = 0;

  text = (seq: number): string => `line ${seq}\n`;

  readonly server = new FakeServer(path => {
    if (this.isBroken) {
      return null;
    }
    const { pathname, searchParams } = new URL(path, 'http://x/');
    const number = (name: string) => Number(searchParams.get(name) ?? 0);
    if (pathname.endsWith('/search')) {
      const all = Array.from({ length: this.total }, (_, n) => n + 1);
      const wanted = searchParams.get('text') ?? '';
      const seqs = all.filter(seq => seq > number('after') && this.text(seq).includes(wanted));
      const found = seqs.slice(0, number('limit'));
      const isLast = found.length === seqs.length;
      const last = isLast ? this.total : found[found.length - 1];
      return { json: { hits: found.map(seq => ({ seq, text: '' })), at_end: isLast, last } };
    }
    const before = searchParams.has('before') ? number('before') || this.total + 1 : null;
    const limit = number('limit');
    const first = before === null ? number('after') + 1 : Math.max(1, before - limit);
    const last = Math.min(before === null ? first + limit - 1 : before - 1, this.total);
    const records = [];
    for (let seq = first; seq <= last; seq++) {
      records.push({ seq, at: 0, kind: 'stdout', cell: null, text: this.text(seq) });
    }
    this.held += searchParams.has('wait_s') ? 1 : 0;
    const at_end = before === null ? last >= this.total : before > this.total;
    return {
      json: {
        attempt: 1,
        records,
        first: records.length ? first : 0,
        last: records.length ? last : number('after'),
        at_start: first <= 1,
        at_end,
        is_over: at_end && this.isOver
      }
    };
  });

  readonly api = new FlotillaApi(this.server.settings);
}

const shownIn = (log: LogModel) =>
  log.snapshot().lines.map(line => Number((line as ITextLine).text.slice(5)));

describe('LogModel', () => {
  let stream: FakeStream;
  let log: LogModel;

  beforeEach(() => {
    stream = new FakeStream(20_000);
    log = new LogModel(stream.api, 'r1', 1);
  });
  afterEach(() => log.dispose());

  it('shows a first screen after one request, from either end', async () => {
    await log.toStart();
    expect(shownIn(log)).toEqual(Array.from({ length: 500 }, (_, n) => n + 1));
    expect(log.snapshot()).toMatchObject({ atStart: true, atEnd: false, isFollowing: false });

    await log.toEnd(false);
    expect(shownIn(log)[499]).toBe(20_000);
    expect(log.snapshot()).toMatchObject({ atStart: false, atEnd: true, isOver: true });
    expect(stream.server.asked).toHaveLength(2);
  });

  it('reads on and back without a gap, and keeps no more than a bound', async () => {
    await log.toStart();
    for (let page = 0; page < 20; page++) {
      await log.later();
    }
    const [first] = shownIn(log);
    expect(shownIn(log)).toEqual(Array.from({ length: 4000 }, (_, n) => first + n));
    expect(log.direction).toBe('later');
    await log.earlier();
    expect(shownIn(log)[0]).toBe(first - 500);
    expect(shownIn(log)).toHaveLength(4000);
    expect(log.direction).toBe('earlier');
  });

  it('goes to a record anywhere, with what was said before it', async () => {
    await log.toStart();
    await log.to(12_345, 'line');

    expect(shownIn(log)).toContain(12_345);
    expect(shownIn(log)[0]).toBe(12_295);
    expect(log.snapshot().target).toEqual({ seq: 12_345, text: 'line', isFound: true });
    await log.to(12_346, '');
    expect(stream.server.asked).toHaveLength(2);
  });

  it('follows only while somebody looks', async () => {
    stream.isOver = false;
    await log.toEnd(true);
    await settle();
    expect(stream.held).toBe(0);

    log.setVisible(true);
    stream.total += 3;
    await settle();
    expect(shownIn(log)[502]).toBe(20_003);

    log.setVisible(false);
    const held = stream.held;
    stream.total += 3;
    await new Promise(resolve => setTimeout(resolve, 300));
    expect(stream.held).toBe(held);
  });

  it('goes to the end where more was said than it can follow', async () => {
    stream.isOver = false;
    await log.toEnd(true);
    stream.total += 5000;
    log.setVisible(true);
    await settle();
    await new Promise(resolve => setTimeout(resolve, 300));
    await settle();

    expect(shownIn(log).slice(-1)).toEqual([25_000]);
    expect(log.snapshot().atEnd).toBe(true);
  });

  it('says that the server is away, keeps what it has, and goes on when it is back', async () => {
    await log.toStart();
    stream.isBroken = true;
    await log.later();
    expect(log.snapshot().error?.code).toBe('unreachable');
    expect(shownIn(log)).toHaveLength(500);

    stream.isBroken = false;
    log.retry();
    await log.later();
    expect(log.snapshot().error).toBeNull();
    expect(shownIn(log)).toHaveLength(1000);
  });

  it('opens after a first failure where it was to open', async () => {
    stream.isBroken = true;
    await log.toEnd(false);
    stream.isBroken = false;
    log.retry();
    await settle();

    expect(shownIn(log)[499]).toBe(20_000);
  });

  it('stops to load unasked where a line does not end', async () => {
    stream.text = () => 'x'.repeat(100);
    await log.toStart();
    for (let page = 0; page < 30 && !log.snapshot().isStalled; page++) {
      await log.later();
    }
    expect(log.snapshot()).toMatchObject({ isStalled: true, lines: [{ rest: expect.any(Number) }] });
    log.goOn();
    expect(log.snapshot().isStalled).toBe(false);
  });

  it('collects all of it, and the whole of a line', async () => {
    stream.total = 12;
    stream.text = seq => (seq === 3 ? 'b\naaa' : seq < 9 ? '\x1b[31maaa' : 'aaa\nc\n');
    const all = await collectLog(stream.api, 'r1', 1);
    expect(all.parts.join('')).toHaveLength(2 * 3 + 5 + 5 * 3 + 4 * 6);

    const line = { seq: 3, source: 'stdout' } as ITextLine;
    expect((await collectLine(stream.api, 'r1', 1, line)).parts.join('')).toBe('a'.repeat(21));
  });
});

describe('SearchModel', () => {
  it('finds all places in pieces, begins near where one is, and goes round', async () => {
    const stream = new FakeStream(3000);
    stream.text = seq => (seq % 5 === 0 ? 'needle' : 'hay');
    const told: IFound[] = [];
    const search = new SearchModel(stream.api, 'r1', 1, found => told.push(found));

    await search.search('needle', 1001);

    const found = told[told.length - 1];
    expect([found.seqs.length, found.seqs[found.current]]).toEqual([600, 1005]);
    expect([found.isSearching, found.isCut]).toEqual([false, false]);
    expect(search.step(1)).toBe(1010);
    expect(search.step(-1)).toBe(1005);
    await search.search('needle', 99_999);
    expect(search.step(-1)).toBe(3000);
    await search.search('nothing', 0);
    expect(search.step(1)).toBeNull();
    search.dispose();
  });

  it('says what went wrong', async () => {
    const stream = new FakeStream(1);
    stream.isBroken = true;
    let found: IFound | undefined;
    await new SearchModel(stream.api, 'r1', 1, now => (found = now)).search('x', 0);
    expect(found).toMatchObject({ isSearching: false, error: { code: 'unreachable' } });
  });
});

describe('DetailModel', () => {
  const detailOf = (run: IRun): IRunDetail =>
    ({ ...run, attempts: [], events: [], spec: {} }) as unknown as IRunDetail;

  let answer: { status?: number; json?: unknown } | null;
  let runs: RunsModel;
  let detail: DetailModel;
  let server: FakeServer;

  beforeEach(() => {
    const run = aRunningRun();
    answer = { json: detailOf(run) };
    server = new FakeServer(path => {
      if (path.startsWith(`runs/${run.id}`)) {
        return answer;
      }
      return { json: path.startsWith('status') ? aStatus() : aPage([]) };
    });
    runs = new RunsModel(new FlotillaApi(server.settings));
    detail = new DetailModel(runs, run.id);
  });
  afterEach(() => {
    detail.dispose();
    runs.dispose();
  });

  it('takes what the list is told at once, and asks for the rest when there is an event', async () => {
    await detail.refresh();
    const asked = server.asked.length;

    runs.take(aRunningRun({ usage: { memory_mib: 5, peak_memory_mib: 5, cpu_percent: 1 } }));
    expect(detail.snapshot().detail?.usage?.memory_mib).toBe(5);
    await new Promise(resolve => setTimeout(resolve, 1100));
    expect(server.asked).toHaveLength(asked);

    answer = { json: detailOf(aRun({ seq: 2 })) };
    runs.take(aRun({ seq: 2 }));
    expect(detail.snapshot().detail?.status).toBe('SUCCEEDED');
    await settle();
    expect(server.asked).toHaveLength(asked + 1);
  });

  it('keeps what it has of a run that is gone, and says so', async () => {
    await detail.refresh();
    answer = { status: 404, json: { code: 'run-not-found', message: 'no run', next: null } };
    await detail.refresh();

    expect(detail.snapshot()).toMatchObject({ isGone: true, detail: { name: 'train' } });
  });

  it('tells a server that is away from one that refuses', async () => {
    answer = null;
    await detail.refresh();
    expect(detail.snapshot()).toMatchObject({ isGone: false, error: { code: 'unreachable' } });
    answer = { status: 403, json: { code: 'forbidden', message: 'no', next: 'ask Ada' } };
    await detail.refresh();
    expect(detail.snapshot().error).toMatchObject({ status: 403, next: 'ask Ada' });
    expect(detail.snapshot().isLoading).toBe(false);
  });

  it('asks again when the server is back', async () => {
    answer = null;
    await detail.refresh();
    await runs.start();
    answer = { json: detailOf(aRunningRun()) };
    FakeSocket.last.send({ type: 'hello', seq: 1, now: NOW, version: '1' });
    await new Promise(resolve => setTimeout(resolve, 1100));

    expect(detail.snapshot().detail?.name).toBe('train');
  });
});

describe('Polled', () => {
  it('fetches while it is active, and keeps what it has when that fails', async () => {
    let count = 0;
    const polled = new Polled(() => {
      count += 1;
      return count === 2 ? Promise.reject(new Error('away')) : Promise.resolve(count);
    }, 10);
    await polled.refresh();
    expect([polled.snapshot().value, count]).toEqual([1, 1]);

    polled.setActive(true);
    await new Promise(resolve => setTimeout(resolve, 100));
    polled.setActive(false);
    const stopped = count;
    await new Promise(resolve => setTimeout(resolve, 50));

    expect(stopped).toBeGreaterThan(2);
    expect(count).toBeLessThanOrEqual(stopped + 1);
    expect(polled.snapshot().error).toBeNull();
    polled.dispose();
  });
});

describe('Visibility', () => {
  it('is that of the tab and of the window', () => {
    const visibility = new Visibility();
    const told = jest.fn();
    visibility.subscribe(told);

    visibility.isShown = true;
    visibility.isShown = true;
    expect([visibility.isVisible, told.mock.calls.length]).toEqual([true, 1]);
    visibility.isShown = false;
    expect([visibility.get(), told.mock.calls.length]).toEqual([false, 2]);
    visibility.dispose();
  });
});
