import { aPage, aRun, aRunningRun, aStatus, FakeServer, FakeSocket, NOW, settle } from '../../__tests__/fakes';
import { FlotillaApi } from '../../api';
import { RunsModel } from '../../runs';
import type { IRun } from '../../wire';
import { RunLookup } from '../lookup';

let stored: Map<string, IRun>;
let isAway: boolean;
let server: FakeServer;
let model: RunsModel;
let lookup: RunLookup;

const idOf = (n: number) => `r${String(n).padStart(12, '0')}`;

function asksFor(path: string): string[] {
  return new URL(path, 'http://x/').searchParams.getAll('ids');
}

beforeEach(async () => {
  stored = new Map();
  isAway = false;
  server = new FakeServer(path => {
    if (isAway) {
      return null;
    }
    const ids = asksFor(path);
    const found = ids.map(id => stored.get(id)).filter(run => run !== undefined);
    return { json: path.startsWith('status') ? aStatus() : aPage(found) };
  });
  model = new RunsModel(new FlotillaApi(server.settings));
  await model.start();
  lookup = new RunLookup(model, Promise.resolve());
  jest.useFakeTimers();
});
afterEach(() => {
  lookup.dispose();
  model.dispose();
  jest.useRealTimers();
});

/** Let what is gathered be asked, and answered. */
async function answered(): Promise<void> {
  await settle();
  jest.advanceTimersByTime(50);
  await settle();
}

function put(run: IRun): IRun {
  stored.set(run.id, run);
  return run;
}

describe('RunLookup', () => {
  it('asks for 500 runs in three requests', async () => {
    const ids = Array.from({ length: 500 }, (_, n) => idOf(n));
    ids.forEach(id => put(aRun({ id })));
    server.asked = [];

    ids.forEach(id => lookup.get(id));
    await answered();

    expect(server.asked.map(path => asksFor(path).length)).toEqual([200, 200, 100]);
    expect(ids.every(id => lookup.get(id).state === 'here')).toBe(true);
    ids.forEach(id => lookup.get(id));
    await answered();
    expect(server.asked).toHaveLength(3);
  });

  it('asks for no run that the list has', async () => {
    model.take(aRun({ id: idOf(1) }));
    server.asked = [];

    expect(lookup.get(idOf(1)).state).toBe('here');
    await answered();
    expect(server.asked).toEqual([]);
  });

  it('knows that a run is elsewhere, until it comes', async () => {
    lookup.get(idOf(1));
    await answered();
    expect(lookup.get(idOf(1))).toEqual({ state: 'elsewhere' });

    model.take(aRun({ id: idOf(1) }));

    expect(lookup.get(idOf(1)).state).toBe('here');
  });

  it('tells those alone whose run has changed', async () => {
    put(aRunningRun({ id: idOf(1) }));
    put(aRunningRun({ id: idOf(2) }));
    const [one, two] = [jest.fn(), jest.fn()];
    lookup.get(idOf(1));
    lookup.get(idOf(2));
    await answered();
    lookup.subscribe(idOf(1), one);
    const before = lookup.get(idOf(2));
    lookup.subscribe(idOf(2), two);

    FakeSocket.last.send({
      type: 'runs',
      seq: 5,
      now: NOW,
      runs: [aRun({ id: idOf(1), seq: 5 })]
    });

    expect(one).toHaveBeenCalledTimes(1);
    expect(two).not.toHaveBeenCalled();
    expect(lookup.get(idOf(2))).toBe(before);
    expect(lookup.run(idOf(1))?.status).toBe('SUCCEEDED');
  });

  it('takes no older news than it has', async () => {
    put(aRun({ id: idOf(1), seq: 9 }));
    lookup.get(idOf(1));
    await answered();

    model.take(aRunningRun({ id: idOf(1), seq: 8 }));

    expect(lookup.run(idOf(1))?.status).toBe('SUCCEEDED');
  });

  it('keeps what was known of a run that is deleted', async () => {
    put(aRun({ id: idOf(1) }));
    lookup.get(idOf(1));
    await answered();

    FakeSocket.last.send({ type: 'gone', ids: [idOf(1)] });

    expect(lookup.get(idOf(1))).toMatchObject({ state: 'gone', row: { run: { id: idOf(1) } } });
  });

  it('asks again what the server could not answer', async () => {
    put(aRun({ id: idOf(1) }));
    isAway = true;
    lookup.get(idOf(1));
    await answered();
    expect(lookup.get(idOf(1))).toMatchObject({ state: 'asking', error: { code: 'unreachable' } });

    isAway = false;
    jest.advanceTimersByTime(2000);
    await answered();

    expect(lookup.get(idOf(1)).state).toBe('here');
  });

  it('asks at once when the server is back', async () => {
    put(aRun({ id: idOf(1) }));
    isAway = true;
    lookup.get(idOf(1));
    await answered();

    isAway = false;
    FakeSocket.last.send({ type: 'hello', seq: 1, now: NOW, version: '1' });
    jest.advanceTimersByTime(1);
    await answered();

    expect(lookup.get(idOf(1)).state).toBe('here');
  });

  it('asks again for what goes on where changes may have been missed', async () => {
    put(aRunningRun({ id: idOf(1) }));
    put(aRun({ id: idOf(2) }));
    lookup.get(idOf(1));
    lookup.get(idOf(2));
    await answered();
    put(aRun({ id: idOf(1), seq: 2 }));
    server.asked = [];

    await model.refresh();
    await answered();

    expect(server.asked.flatMap(asksFor)).toEqual([idOf(1)]);
    expect(lookup.run(idOf(1))?.status).toBe('SUCCEEDED');
  });

  it('knows the newest retry of a run', async () => {
    put(aRun({ id: idOf(1) }));
    lookup.get(idOf(1));
    const told = jest.fn();
    lookup.subscribe(idOf(1), told);
    await answered();
    told.mockClear();

    model.take(aRunningRun({ id: idOf(2), retry_of: idOf(1) }));

    expect(lookup.retryOf(idOf(1))?.id).toBe(idOf(2));
    expect(told).toHaveBeenCalledTimes(1);
  });

  it('asks nothing before the application is there', async () => {
    const early = new RunLookup(model, new Promise(() => undefined));
    server.asked = [];

    early.get(idOf(1));
    await answered();

    expect(server.asked).toEqual([]);
    early.dispose();
  });
});
