import { FlotillaApi } from '../api';
import { NO_FILTERS, readFilters } from '../query';
import { RunsModel } from '../runs';
import type { IRun } from '../wire';
import type { Answer } from './fakes';
import {
  aPage,
  aRun,
  aRunningRun,
  aStatus,
  FakeServer,
  FakeSocket,
  manyRuns,
  NOW,
  settle
} from './fakes';

const models: RunsModel[] = [];

/** A server with runs, which filters by status alone. */
function serverOf(runs: IRun[]): FakeServer {
  const answer: Answer = path => {
    if (path.startsWith('status')) {
      return { json: aStatus() };
    }
    const wanted = new URL(path, 'http://x/').searchParams.getAll('status');
    const found = runs.filter(run => !wanted.length || wanted.includes(run.status));
    return { json: aPage(found) };
  };
  return new FakeServer(answer);
}

async function started(server: FakeServer): Promise<RunsModel> {
  const model = new RunsModel(new FlotillaApi(server.settings));
  models.push(model);
  await model.start();
  return model;
}

afterEach(() => {
  models.splice(0).forEach(model => model.dispose());
  jest.useRealTimers();
});

describe('RunsModel', () => {
  it('loads the list, the status and then follows what comes', async () => {
    const model = await started(serverOf([aRun()]));

    expect(model.snapshot()).toMatchObject({ total: 1, isLoading: false, hasLoaded: true });
    expect(model.snapshot().subject.owner).toBe('ada');
    expect(FakeSocket.last.url).toContain('after=1');
  });

  it('shows what comes over the socket', async () => {
    const model = await started(serverOf([aRun()]));

    const later = '2026-11-26T11:00:00Z';
    FakeSocket.last.send({ type: 'hello', seq: 1, now: NOW, version: '1' });
    FakeSocket.last.send({
      type: 'runs',
      seq: 2,
      now: later,
      runs: [aRunningRun({ id: 'rnew', created_at: later, seq: 2 })]
    });

    expect(model.snapshot()).toMatchObject({ connection: 'live', total: 2 });
    expect(model.snapshot().order[0]).toBe('rnew');
    expect(model.openRuns.map(run => run.id)).toEqual(['rnew']);
  });

  it('tells of a run that ends, once', async () => {
    const model = await started(serverOf([aRunningRun()]));
    const ends: string[] = [];
    model.moved.connect((_, moved) => ends.push(...moved.map(({ run }) => run.status)));

    const ended = { type: 'runs', seq: 3, now: NOW, runs: [aRun({ seq: 3 })] };
    FakeSocket.last.send(ended);
    FakeSocket.last.send(ended);

    expect(ends).toEqual(['SUCCEEDED']);
  });

  it('does not tell of an end that was before its time', async () => {
    const model = await started(serverOf([]));
    const told = jest.fn();
    model.moved.connect(told);

    FakeSocket.last.send({ type: 'runs', seq: 3, now: NOW, runs: [aRun({ seq: 3 })] });

    expect(told).not.toHaveBeenCalled();
    expect(model.snapshot().total).toBe(1);
  });

  it('drops runs that are gone', async () => {
    const model = await started(serverOf(manyRuns(3)));

    FakeSocket.last.send({ type: 'gone', ids: [manyRuns(3)[1].id] });

    expect(model.snapshot().order).toHaveLength(2);
    expect(model.snapshot().total).toBe(2);
  });

  it('knows how far the clocks are apart', async () => {
    const model = await started(serverOf([]));

    const hourAhead = new Date(Date.now() + 3_600_000).toISOString();
    FakeSocket.last.send({ type: 'hello', seq: 1, now: hourAhead, version: '1' });

    expect(Math.abs(model.clock.skewMs - 3_600_000)).toBeLessThan(1000);
  });

  it('asks anew when it is too far behind', async () => {
    const server = serverOf([aRun()]);
    const model = await started(server);
    server.asked = [];

    FakeSocket.last.send({ type: 'reset', seq: 900 });
    await settle();

    expect(server.asked.filter(path => path.startsWith('runs'))).toHaveLength(2);
    expect(model.snapshot().total).toBe(1);
  });

  it('narrows the list by what the user asks for', async () => {
    const server = serverOf([aRun({ id: 'r1' }), aRun({ id: 'r2', status: 'FAILED' })]);
    const model = await started(server);

    model.setFilters({ failed: true, mine: true });
    await new Promise(resolve => setTimeout(resolve, 5));
    await settle();

    expect(model.snapshot().order).toEqual(['r2']);
    expect(server.asked[server.asked.length - 1]).toBe(
      'runs?status=FAILED&owner=ada&sort=created_at&order=desc&limit=200'
    );
  });

  it('asks once where a search is typed letter by letter', async () => {
    const server = serverOf([]);
    const model = await started(server);
    server.asked = [];

    jest.useFakeTimers();
    for (const text of ['t', 'tr', 'tra']) {
      model.setFilters({ text });
    }
    jest.advanceTimersByTime(1000);
    jest.useRealTimers();
    await settle();

    expect(server.asked).toHaveLength(1);
    expect(server.asked[0]).toContain('text=tra');
  });

  it('fetches the next page once, however often it is asked', async () => {
    const runs = manyRuns(10);
    const server = new FakeServer(path => {
      if (path.startsWith('status')) {
        return { json: aStatus() };
      }
      const isNext = path.includes('cursor=there');
      const part = isNext ? runs.slice(5) : runs.slice(0, 5);
      return { json: aPage(part, { total: 10, next: isNext ? null : 'there' }) };
    });
    const model = await started(server);

    await Promise.all([model.more(), model.more()]);
    await model.more();

    expect(model.snapshot()).toMatchObject({ total: 10, hasMore: false });
    expect(model.snapshot().order).toHaveLength(10);
    expect(server.asked.filter(path => path.includes('cursor'))).toHaveLength(1);
  });

  it('keeps what it shows, and says so, while the server is away', async () => {
    const server = serverOf([aRun()]);
    const model = await started(server);
    FakeSocket.last.send({ type: 'hello', seq: 1, now: NOW, version: '1' });

    server.answer = () => null;
    jest.useFakeTimers();
    FakeSocket.last.break();
    expect(model.snapshot().connection).toBe('live');
    jest.advanceTimersByTime(1000);
    FakeSocket.last.break();
    await settle();

    expect(model.snapshot()).toMatchObject({ connection: 'offline', total: 1 });
    expect(model.snapshot().heardAt).not.toBeNull();
  });

  it('goes on where it was when the server is back', async () => {
    const model = await started(serverOf([aRun()]));
    FakeSocket.last.send({ type: 'runs', seq: 42, now: NOW, runs: [] });

    jest.useFakeTimers();
    FakeSocket.last.break();
    jest.advanceTimersByTime(1000);
    FakeSocket.last.send({ type: 'hello', seq: 42, now: NOW, version: '1' });

    expect(FakeSocket.all).toHaveLength(2);
    expect(FakeSocket.last.url).toContain('after=42');
    expect(model.snapshot().connection).toBe('live');
  });

  it('asks anew when one comes back to it after a while', async () => {
    const server = serverOf([aRun()]);
    await started(server);
    server.asked = [];

    document.dispatchEvent(new Event('visibilitychange'));
    expect(server.asked).toEqual([]);
    jest.useFakeTimers({ now: Date.now() + 120_000 });
    document.dispatchEvent(new Event('visibilitychange'));
    await settle();

    expect(server.asked[0]).toBe('status');
  });

  it('polls where the server answers but has no socket', async () => {
    const server = serverOf([aRun()]);
    const model = await started(server);
    server.asked = [];

    jest.useFakeTimers();
    FakeSocket.last.break();
    jest.advanceTimersByTime(1000);
    FakeSocket.last.break();
    await settle();

    expect(model.snapshot().connection).toBe('polling');
    expect(server.asked.length).toBeGreaterThan(0);
  });

  it('does not call a server unreachable that answers with an error', async () => {
    const server = serverOf([aRun()]);
    const model = await started(server);

    const json = { code: 'not-logged-in', message: 'you are not logged in', next: null };
    server.answer = () => ({ status: 403, json });
    jest.useFakeTimers();
    FakeSocket.last.break();
    jest.advanceTimersByTime(1000);
    FakeSocket.last.break();
    await settle();

    expect(model.snapshot().connection).toBe('polling');
    expect(model.snapshot().error?.code).toBe('not-logged-in');
    expect(model.snapshot().order).toHaveLength(1);
  });

  it('shows an error of the server, and not an empty list', async () => {
    const json = { code: 'store-locked', message: 'the store is locked', next: null };
    const model = await started(new FakeServer(() => ({ status: 500, json })));

    expect(model.snapshot().error?.code).toBe('store-locked');
    expect(model.snapshot().hasLoaded).toBe(false);
  });
});

describe('readFilters', () => {
  it.each([undefined, null, 7, 'x', [], { mine: 'yes', sort: 'evil', text: 4 }])(
    'takes %j for no filters',
    stored => {
      expect(readFilters(stored)).toEqual(NO_FILTERS);
    }
  );

  it('reads what was kept', () => {
    const kept = { ...NO_FILTERS, mine: true, text: 'x', sort: 'cost' };
    expect(readFilters(JSON.parse(JSON.stringify(kept)))).toEqual(kept);
  });
});
