import { Signal } from '@lumino/signaling';
import { aPage, aRun, aRunningRun, aStatus, FakeServer, FakeSocket, NOW, settle } from '../../__tests__/fakes';
import { FlotillaApi } from '../../api';
import type { IContext } from '../../context';
import { RunsModel } from '../../runs';
import type { ICellOutputs, IRun } from '../../wire';
import { Executing } from '../executing';
import { Keeper } from '../keeper';
import { RunLookup } from '../lookup';
import { Pace } from '../pace';
import type { FakePanel as Panel, ICellOf } from './notebooks';
import { aCard, aNotebook, aStream, codeCell, FakePanel, MAGIC_SOURCE, RUN } from './notebooks';

const OTHER = 'r000000000002';

let stored: Map<string, IRun>;
/** What the server says of each run's cell, one after the other; the last one for ever. */
let pages: Map<string, ICellOutputs['outputs'][]>;
let diskModified: string;
let isAway: boolean;
let server: FakeServer;
let model: RunsModel;
let keeping: { context: IContext; lookup: RunLookup; executing: Executing; pace: Pace };
let opened: string[];

function cellPage(id: string): ICellOutputs {
  const left = pages.get(id)!;
  const outputs = left.length > 1 ? left.shift()! : left[0];
  const digests = outputs.map((_, at) => `${at}${left.length}`);
  const isFinal = stored.get(id)!.ended_at !== null;
  return { run_id: id, digests, outputs, changed: true, is_final: isFinal };
}

function answer(path: string): { status?: number; json: unknown } {
  const { pathname, searchParams } = new URL(path, 'http://x/');
  const [, , id, what] = pathname.split('/');
  if (what === 'cell') {
    return stored.has(id)
      ? { json: cellPage(id) }
      : { status: 404, json: { code: 'run-not-found', message: 'gone', next: null } };
  }
  const ids = searchParams.getAll('ids');
  const statuses = searchParams.getAll('status');
  const notebook = searchParams.get('notebook');
  const found = [...stored.values()].filter(
    run =>
      (!ids.length || ids.includes(run.id)) &&
      (!statuses.length || statuses.includes(run.status)) &&
      (!notebook || run.notebook === notebook)
  );
  return { json: pathname === '/status' ? aStatus() : aPage(found) };
}

function put(run: IRun, ...outputs: ICellOutputs['outputs'][]): IRun {
  stored.set(run.id, run);
  pages.set(run.id, outputs);
  return run;
}

const ofCell = (fields: Partial<IRun> = {}): Partial<IRun> => ({
  id: RUN,
  kind: 'cell',
  cell_id: 'a',
  ...fields
});

/** Open a notebook in a page whose keeper is at work. */
async function open(cells: ICellOf[], path?: string): Promise<Panel> {
  const panel = new FakePanel(aNotebook(cells), path);
  added.emit(panel);
  await passed();
  return panel;
}

/** Let what is waited for come, and a while pass. */
async function passed(ms = 500): Promise<void> {
  for (let turn = 0; turn < 10; turn++) {
    await settle();
    jest.advanceTimersByTime(ms / 10);
  }
  await settle();
}

/** What cells of runs were asked for. */
const asked = () => server.asked.filter(path => path.includes('/cell'));

let added: Signal<object, Panel>;

beforeEach(async () => {
  stored = new Map();
  pages = new Map();
  opened = [];
  isAway = false;
  diskModified = '2026-11-26T10:00:00Z';
  server = new FakeServer(path => (isAway ? null : answer(path)));
  const api = new FlotillaApi(server.settings);
  model = new RunsModel(api);
  await model.start();
  const lookup = new RunLookup(model, Promise.resolve());
  const contents = {
    localPath: (path: string) => path.replace(/^\w+:/, ''),
    get: async () => ({ last_modified: diskModified })
  };
  const app = { restored: Promise.resolve(), serviceManager: { contents } };
  const context = { api, model, app, open: { run: (id: string) => opened.push(id) } };
  keeping = {
    context: context as unknown as IContext,
    lookup,
    executing: new Executing(),
    pace: new Pace()
  };
  added = new Signal<object, Panel>({});
  const tracker = { forEach: () => undefined, widgetAdded: added };
  new Keeper(tracker as never, keeping);
  jest.useFakeTimers();
});
afterEach(() => {
  keeping.lookup.dispose();
  model.dispose();
  jest.useRealTimers();
});

describe('a cell that no kernel waits for', () => {
  it('gets what its run says, to its end', async () => {
    put(aRunningRun(ofCell()), [aCard(), aStream('one\n')], [aCard(), aStream('one\ntwo\n')]);
    const panel = await open([{ id: 'a', outputs: [aCard()] }]);
    expect(codeCell(panel.model).outputs.toJSON()).toEqual([aCard(), aStream('one\n')]);
    expect(panel.model.dirty).toBe(false);

    const end = [aCard(RUN, 'SUCCEEDED'), aStream('one\ntwo\nthree\n')];
    put(aRun(ofCell({ seq: 2 })), end);
    await passed(1000);

    expect(codeCell(panel.model).outputs.toJSON()).toEqual(end);
    expect(panel.model.dirty).toBe(true);
    const before = asked().length;
    await passed(20_000);
    expect(asked()).toHaveLength(before);
  });

  it('is asked for with what it has', async () => {
    put(aRunningRun(ofCell()), [aCard(), aStream('one\n')]);
    await open([{ id: 'a', outputs: [aCard()] }]);
    await passed(1000);

    expect(asked()[0]).toBe(`runs/${RUN}/cell?wait_s=10`);
    expect(asked()[1]).toMatch(/have=01%2C11&wait_s=10$/);
  });

  it('gets the end that came while nobody had it open', async () => {
    put(aRun(ofCell({ status: 'FAILED' })), [aCard(RUN, 'FAILED')]);
    const panel = await open([{ id: 'a', outputs: [aCard()] }]);

    expect(codeCell(panel.model).outputs.toJSON()).toEqual([aCard(RUN, 'FAILED')]);
    expect(panel.model.dirty).toBe(true);
    await passed(5000);
    expect(asked()).toHaveLength(1);
  });

  it('is gone on with when the server is back', async () => {
    put(aRunningRun(ofCell()), [aCard(), aStream('one\n')]);
    const panel = await open([{ id: 'a', outputs: [aCard()] }]);
    isAway = true;
    await passed(30_000);

    isAway = false;
    put(aRun(ofCell({ seq: 2 })), [aCard(RUN, 'SUCCEEDED')]);
    await passed(30_000);

    expect(codeCell(panel.model).outputs.toJSON()).toEqual([aCard(RUN, 'SUCCEEDED')]);
  });

  it('stays as it is when its run is deleted', async () => {
    put(aRunningRun(ofCell()), [aCard(), aStream('one\n')]);
    const panel = await open([{ id: 'a', outputs: [aCard()] }]);

    stored.delete(RUN);
    await passed(5000);
    const before = asked().length;
    await passed(20_000);

    expect(codeCell(panel.model).outputs.toJSON()).toEqual([aCard(), aStream('one\n')]);
    expect(asked()).toHaveLength(before);
  });

  it('is known by its card where ids of cells do not last', async () => {
    put(aRun(ofCell({ cell_id: 'before-the-reload' })), [aCard(RUN, 'SUCCEEDED')]);
    const panel = await open([{ id: 'a', outputs: [aCard()] }]);

    expect(codeCell(panel.model).outputs.toJSON()).toEqual([aCard(RUN, 'SUCCEEDED')]);
  });

  it('is followed in a copy of its notebook, and under its new name', async () => {
    put(aRun(ofCell()), [aCard(RUN, 'SUCCEEDED')]);
    const panel = await open([{ id: 'a', outputs: [aCard()] }], 'RTC:a copy.ipynb');

    expect(codeCell(panel.model).outputs.toJSON()).toEqual([aCard(RUN, 'SUCCEEDED')]);
  });

  it('shows the newest run that goes on, where it shows an older one or none', async () => {
    put(aRun(ofCell({ id: OTHER, created_at: '2026-11-26T08:00:00Z' })), []);
    put(aRunningRun(ofCell()), [aCard(), aStream('one\n')]);
    const cells = [
      { id: 'a', outputs: [aCard(OTHER, 'SUCCEEDED')] },
      { id: 'b', outputs: [] }
    ];
    put(aRunningRun(ofCell({ id: 'r000000000003', cell_id: 'b' })), [aCard('r000000000003')]);
    const panel = await open(cells);

    expect(codeCell(panel.model, 0).outputs.toJSON()).toEqual([aCard(), aStream('one\n')]);
    expect(codeCell(panel.model, 1).outputs.toJSON()).toEqual([aCard('r000000000003')]);
  });

  it('goes on showing a newer run', async () => {
    put(aRun(ofCell({ id: OTHER, created_at: '2026-11-26T09:30:00Z' })), []);
    put(aRunningRun(ofCell()), [aCard()]);
    const panel = await open([{ id: 'a', outputs: [aCard(OTHER, 'SUCCEEDED')] }]);

    expect(codeCell(panel.model).outputs.toJSON()).toEqual([aCard(OTHER, 'SUCCEEDED')]);
  });

  it('shows the retry of its run', async () => {
    put(aRun(ofCell({ status: 'FAILED' })), [aCard(RUN, 'FAILED'), aStream('oh', 'stderr')]);
    const panel = await open([{ id: 'a', outputs: [aCard(RUN, 'FAILED')] }]);
    const retry = put(aRunningRun(ofCell({ id: OTHER, retry_of: RUN })), [aCard(OTHER)]);

    model.take(retry);
    await passed();

    expect(codeCell(panel.model).outputs.toJSON()).toEqual([aCard(OTHER)]);
  });

  it('waits where nobody looks, but for the end', async () => {
    const sight = jest.spyOn(document, 'visibilityState', 'get').mockReturnValue('hidden');
    put(aRunningRun(ofCell()), [aCard(), aStream('one\n')]);
    const panel = await open([{ id: 'a', outputs: [aCard()] }]);
    await passed(5000);
    expect(asked()).toEqual([]);

    model.take(put(aRun(ofCell({ seq: 2 })), [aCard(RUN, 'SUCCEEDED')]));
    await passed(2000);

    expect(codeCell(panel.model).outputs.toJSON()).toEqual([aCard(RUN, 'SUCCEEDED')]);
    expect(panel.model.dirty).toBe(true);
    sight.mockRestore();
  });

  it('is left alone once its outputs were cleared', async () => {
    put(aRunningRun(ofCell()), [aCard(), aStream('one\n')]);
    const panel = await open([{ id: 'a', outputs: [aCard()] }]);

    codeCell(panel.model).outputs.clear();
    await passed(5000);

    expect(codeCell(panel.model).outputs.length).toBe(0);
  });
});

describe('a cell that a kernel of this page executes', () => {
  it('is left to it, and can be detached', async () => {
    put(aRunningRun(ofCell()), [aCard(), aStream('one\n')]);
    const panel = new FakePanel(aNotebook([{ id: 'a', outputs: [aCard()] }]));
    const future = panel.execute();
    added.emit(panel);
    await passed(1000);
    expect(asked()).toEqual([]);
    expect(keeping.executing.has(RUN)).toBe(true);

    future.end();
    await passed();

    expect(codeCell(panel.model).outputs.toJSON()).toEqual([aCard(), aStream('one\n')]);
    expect(keeping.executing.has(RUN)).toBe(false);
  });

  it('can be detached after a reload, from a kernel that is held up', async () => {
    put(aRunningRun(ofCell()), [aCard(), aStream('one\n')]);
    const panel = await open([{ id: 'a', outputs: [aCard()] }]);
    const { kernel } = panel.sessionContext.session;
    expect(keeping.executing.has(RUN)).toBe(false);

    for (const [status, isHeldUp] of [
      ['unknown', true],
      ['idle', false],
      ['busy', true]
    ] as const) {
      kernel.status = status;
      panel.sessionContext.statusChanged.emit(status);
      await passed();
      expect(keeping.executing.has(RUN)).toBe(isHeldUp);
    }
    expect(codeCell(panel.model).outputs.toJSON()).toEqual([aCard(), aStream('one\n')]);
  });

  it('is taken over when the kernel is gone', async () => {
    put(aRunningRun(ofCell()), [aCard(), aStream('one\n')]);
    const panel = new FakePanel(aNotebook([{ id: 'a', outputs: [aCard()] }]));
    const future = panel.execute();
    added.emit(panel);
    await passed();

    future.isDisposed = true;
    panel.sessionContext.statusChanged.emit('restarting');
    await passed();

    expect(codeCell(panel.model).outputs.toJSON()).toEqual([aCard(), aStream('one\n')]);
  });

  it('is not written into by an answer that comes too late', async () => {
    put(aRunningRun(ofCell()), [aCard(), aStream('one\n')]);
    const panel = await open([{ id: 'a', outputs: [aCard()] }]);
    const cell = codeCell(panel.model);

    panel.execute();
    cell.outputs.clear();
    await passed(5000);

    expect(cell.outputs.length).toBe(0);
  });
});

describe('a cell that is not the own one of a run', () => {
  it.each<[string, ICellOf, Partial<IRun>]>([
    ['shows a run by the Python API', { id: 'a', source: 'fl.get("r…")' }, {}],
    ['shows the run of another cell', { id: 'a' }, { cell_id: 'b' }],
    ['shows the run of another notebook', { id: 'a' }, { cell_id: 'x', notebook: 'y.ipynb' }],
    ['shows a run that is no cell', { id: 'a' }, { kind: 'notebook' }]
  ])('is never touched: it %s', async (_, cell, fields) => {
    put(aRun(ofCell(fields)), [aCard(RUN, 'SUCCEEDED'), aStream('one\n')]);
    const panel = await open([
      { ...cell, outputs: [aCard()] },
      { id: 'b', source: MAGIC_SOURCE }
    ]);

    expect(codeCell(panel.model).outputs.toJSON()).toEqual([aCard()]);
    expect(asked()).toEqual([]);
    expect(panel.model.dirty).toBe(false);
  });

  it('is never touched: its run is in no store here', async () => {
    const panel = await open([{ id: 'a', outputs: [aCard()] }]);

    expect(codeCell(panel.model).outputs.toJSON()).toEqual([aCard()]);
    expect(asked()).toEqual([]);
  });

  it('is never touched: its kernel has told the end', async () => {
    put(aRun(ofCell()), [aCard(RUN, 'SUCCEEDED'), aStream('other\n')]);
    const outputs = [aCard(RUN, 'SUCCEEDED'), aStream('one\n')];
    const panel = await open([{ id: 'a', outputs }]);

    expect(codeCell(panel.model).outputs.toJSON()).toEqual(outputs);
    expect(asked()).toEqual([]);
  });
});

describe('notebooks', () => {
  it('are told to the server: which are open, after a break as well', async () => {
    FakeSocket.last.send({ type: 'hello', seq: 1, now: NOW, version: '1' });
    const one = await open([], 'b.ipynb');
    await open([], 'RTC:a.ipynb');
    expect(FakeSocket.last.told.pop()?.notebooks).toEqual(['a.ipynb', 'b.ipynb']);

    one.path = 'c.ipynb';
    one.context.pathChanged.emit('c.ipynb');
    expect(FakeSocket.last.told.pop()?.notebooks).toEqual(['a.ipynb', 'c.ipynb']);
    one.disposed.emit();
    expect(FakeSocket.last.told.pop()?.notebooks).toEqual(['a.ipynb']);

    FakeSocket.last.break();
    await passed(2000);
    FakeSocket.last.send({ type: 'hello', seq: 1, now: NOW, version: '1' });
    expect(FakeSocket.last.told).toEqual([{ type: 'open', notebooks: ['a.ipynb'] }]);
  });

  it('are read again where an end may be in the file, before it is written here', async () => {
    diskModified = '2026-11-26T10:05:00Z';
    put(aRun(ofCell()), [aCard(RUN, 'SUCCEEDED')]);
    const panel = new FakePanel(aNotebook([{ id: 'a', outputs: [aCard()] }]));
    panel.context.revert = async () => {
      panel.reverted += 1;
      panel.context.contentsModel.last_modified = diskModified;
      codeCell(panel.model).outputs.set(0, aCard(RUN, 'SUCCEEDED'));
      panel.model.dirty = false;
    };
    added.emit(panel);
    await passed(1000);

    expect(panel.reverted).toBe(1);
    expect(asked()).toEqual([]);
    expect(panel.model.dirty).toBe(false);
  });

  it('are not read again where no end is missing', async () => {
    put(aRunningRun(ofCell()), [aCard()]);
    const panel = await open([{ id: 'a', outputs: [aCard()] }]);
    diskModified = '2026-11-26T10:05:00Z';

    FakeSocket.last.send({ type: 'hello', seq: 1, now: NOW, version: '1' });
    await passed();

    expect(panel.reverted).toBe(0);
  });

  it('are kept once, in however many views', async () => {
    put(aRunningRun(ofCell()), [aCard(), aStream('one\n')]);
    const panel = await open([{ id: 'a', outputs: [aCard()] }]);
    const before = asked().length;
    const view = new FakePanel(panel.model);
    view.context = panel.context;
    added.emit(view);
    view.execute();
    panel.context.sessionContext.statusChanged.emit('busy');
    await passed(5000);
    expect(asked()).toHaveLength(before);

    panel.disposed.emit();
    expect(keeping.executing.has(RUN)).toBe(true);
    view.disposed.emit();
    expect(keeping.executing.has(RUN)).toBe(false);
  });

  it('of several pages leave the end to one', async () => {
    const request = () => new Promise(() => undefined); // another page has it
    Object.defineProperty(navigator, 'locks', { value: { request }, configurable: true });
    put(aRun(ofCell()), [aCard(RUN, 'SUCCEEDED')]);

    const panel = await open([{ id: 'a', outputs: [aCard()] }]);

    expect(codeCell(panel.model).outputs.toJSON()).toEqual([aCard(RUN, 'SUCCEEDED')]);
    expect(panel.model.dirty).toBe(false);
    Object.defineProperty(navigator, 'locks', { value: undefined, configurable: true });
  });

  it('share two requests however many of their cells are followed', async () => {
    const ids = Array.from({ length: 9 }, (_, n) => `r00000000010${n}`);
    ids.forEach((id, n) => put(aRunningRun(ofCell({ id, cell_id: `c${n}` })), [aCard(id)]));
    let most = 0;
    let now = 0;
    const real = FlotillaApi.prototype.cell;
    const spy = jest.spyOn(FlotillaApi.prototype, 'cell').mockImplementation(async function (
      this: FlotillaApi,
      ...args
    ) {
      most = Math.max(most, ++now);
      return real.apply(this, args).finally(() => (now -= 1));
    });

    await open(ids.map((id, n) => ({ id: `c${n}`, outputs: [aCard(id)] })));
    await passed(3000);

    expect(most).toBe(2);
    expect(asked().slice(-1)[0]).toContain('wait_s=0');
    expect(new Set(asked().map(path => path.split('/')[1])).size).toBe(9);
    spy.mockRestore();
  });
});
