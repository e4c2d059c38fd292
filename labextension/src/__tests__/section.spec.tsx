import { act, fireEvent, render, screen } from '@testing-library/react';
import { FlotillaApi, FlotillaError } from '../api';
import { ServerClock, Ticker } from '../clock';
import { newsText } from '../components/Announcer';
import { ErrorNote } from '../components/ErrorNote';
import type { IRowActions } from '../components/keys';
import { RunsSection } from '../components/RunsSection';
import { RunsModel } from '../runs';
import type { IRun } from '../wire';
import {
  aPage,
  aRun,
  aRunningRun,
  aStatus,
  FakeServer,
  FakeSocket,
  manyRuns,
  NOW,
  trans
} from './fakes';

const HOSTILE = '<img src=x onerror="window.hit=1">\u202Egnp.exe 🚀';

let model: RunsModel;
let actions: jest.Mocked<IRowActions>;
let onSample: jest.Mock;

async function shown(runs: IRun[], total = runs.length): Promise<void> {
  const server = new FakeServer(path =>
    path.startsWith('status') ? { json: aStatus() } : { json: aPage(runs, { total }) }
  );
  model = new RunsModel(new FlotillaApi(server.settings));
  actions = {
    open: jest.fn(),
    logs: jest.fn(),
    cancel: jest.fn(),
    retry: jest.fn(),
    copyId: jest.fn(),
    menu: jest.fn(),
    leave: jest.fn()
  };
  onSample = jest.fn();
  await model.start();
  const time = { clock: model.clock, ticker: new Ticker() };
  render(
    <RunsSection model={model} actions={actions} onSample={onSample} time={time} trans={trans} />
  );
}

beforeAll(() => {
  // jsdom has no layout: every element is 300 x 460 pixels
  Object.defineProperty(HTMLElement.prototype, 'offsetHeight', { value: 460 });
  Object.defineProperty(HTMLElement.prototype, 'offsetWidth', { value: 300 });
  Object.defineProperty(HTMLElement.prototype, 'clientHeight', { value: 460 });
  HTMLElement.prototype.scrollTo = () => undefined;
  globalThis.ResizeObserver ??= class {
    observe() {}
    unobserve() {}
    disconnect() {}
  };
});

afterEach(() => model?.dispose());

const rows = () => screen.getAllByRole('listitem');

describe('RunsSection', () => {
  it('draws only the rows in sight, and says how many there are', async () => {
    await shown(manyRuns(5000), 100_000);

    expect(rows().length).toBeLessThan(60);
    expect(rows()[0].getAttribute('aria-setsize')).toBe('100000');
    expect(rows()[0].getAttribute('aria-posinset')).toBe('1');
    expect(screen.getByText('100,000 runs')).toBeTruthy();
  });

  it('shows hostile names as text', async () => {
    await shown([aRun({ name: HOSTILE })]);

    expect(screen.getByText(HOSTILE).tagName).toBe('BDI');
    expect(document.querySelector('img')).toBeNull();
  });

  it.each([
    ['Enter', 'open'],
    ['l', 'logs'],
    ['X', 'cancel'],
    ['r', 'retry'],
    ['c', 'copyId']
  ] as const)('does by key %s what it should', async (key, action) => {
    await shown([aRun()]);

    act(() => rows()[0].focus());
    fireEvent.keyDown(rows()[0], { key });

    expect(actions[action]).toHaveBeenCalledWith(expect.objectContaining({ name: 'train' }));
  });

  it('leaves keys with Ctrl to the application', async () => {
    await shown([aRun()]);

    fireEvent.keyDown(rows()[0], { key: 'x', ctrlKey: true });

    expect(actions.cancel).not.toHaveBeenCalled();
  });

  it('moves the focus by arrows, j and k, and only one row is reached by Tab', async () => {
    await shown(manyRuns(5));

    act(() => rows()[0].focus());
    fireEvent.keyDown(rows()[0], { key: 'ArrowDown' });
    fireEvent.keyDown(document.activeElement as Element, { key: 'j' });
    fireEvent.keyDown(document.activeElement as Element, { key: 'k' });

    expect(document.activeElement).toBe(rows()[1]);
    expect(rows().map(row => row.tabIndex)).toEqual([-1, 0, -1, -1, -1]);
  });

  it('gives the focus of a row that leaves to the one that takes its place', async () => {
    await shown(manyRuns(3));

    act(() => rows()[1].focus());
    act(() => FakeSocket.last.send({ type: 'gone', ids: [manyRuns(3)[1].id] }));

    expect(document.activeElement).toBe(rows()[1]);
    expect(rows()).toHaveLength(2);
  });

  it('goes to the search by a slash and back by Escape', async () => {
    await shown(manyRuns(2));

    act(() => rows()[0].focus());
    fireEvent.keyDown(rows()[0], { key: '/' });
    expect(document.activeElement).toBe(screen.getByRole('searchbox'));
    fireEvent.keyDown(document.activeElement as Element, { key: 'Escape' });

    expect(document.activeElement).toBe(rows()[0]);
  });

  it('opens a run by a click on its name, or two anywhere on its row', async () => {
    await shown([aRun()]);

    fireEvent.click(screen.getByText('succeeded'), { detail: 1 });
    expect(actions.open).not.toHaveBeenCalled();
    fireEvent.click(screen.getByText('train'), { detail: 1 });
    fireEvent.click(screen.getByText('succeeded'), { detail: 2 });

    expect(actions.open).toHaveBeenCalledTimes(2);
  });

  it('keeps what is in sight where it is when runs come above it', async () => {
    await shown(manyRuns(100));
    const scroller = document.querySelector('.jp-Flotilla-scroller') as HTMLElement;
    const scroll = (top: number) => {
      scroller.scrollTop = top;
      fireEvent.scroll(scroller);
    };
    const aNewRun = (id: string) => ({ ...aRun({ id, created_at: NOW }) });

    act(() => FakeSocket.last.send({ type: 'runs', seq: 2, now: NOW, runs: [aNewRun('rnew1')] }));
    expect(scroller.scrollTop).toBe(0);
    scroll(460);
    act(() => FakeSocket.last.send({ type: 'runs', seq: 3, now: NOW, runs: [aNewRun('rnew2')] }));

    expect(scroller.scrollTop).toBe(506);
  });

  it('has a button for what the keys do', async () => {
    await shown([aRun()]);

    fireEvent.click(screen.getByRole('button', { name: 'Actions of train' }));

    expect(actions.menu).toHaveBeenCalled();
  });

  it('reads out what becomes of a run, and not how far it is', async () => {
    await shown([aRunningRun()]);
    const status = screen.getByRole('status');

    const progress = { fraction: 0.5, text: '50%' };
    act(() =>
      FakeSocket.last.send({ type: 'runs', seq: 2, now: NOW, runs: [aRunningRun({ progress })] })
    );
    expect(status.textContent).toBe('');
    expect(screen.getByRole('progressbar').getAttribute('aria-valuenow')).toBe('50');
    act(() => FakeSocket.last.send({ type: 'runs', seq: 3, now: NOW, runs: [aRun({ seq: 3 })] }));

    expect(status.textContent).toBe('train: succeeded');
  });

  it('offers a sample where there is nothing yet', async () => {
    await shown([]);

    fireEvent.click(screen.getByRole('button', { name: 'Run a sample here' }));

    expect(onSample).toHaveBeenCalled();
  });

  it('offers to clear filters where nothing matches', async () => {
    await shown([]);

    fireEvent.click(screen.getByRole('button', { name: 'failed' }));
    const clear = await screen.findByRole('button', { name: 'Clear filters' });
    fireEvent.click(clear);

    expect(model.snapshot().filters.failed).toBe(false);
  });

  it('grows the time of a running run each second, by the clock of the server', async () => {
    jest.useFakeTimers({ now: Date.parse(NOW) });
    try {
      await shown([aRunningRun({ started_at: '2026-11-26T09:59:00Z', cost_usd: 0, usd_per_h: 360 })]);
      expect(rows()[0].textContent).toContain('1m00s');

      act(() => void jest.advanceTimersByTime(5000));

      expect(rows()[0].textContent).toContain('1m05s');
      expect(rows()[0].textContent).toContain('$0.50');
    } finally {
      jest.useRealTimers();
    }
  });
});

describe('newsText', () => {
  it('counts where there is much of it', () => {
    const many = manyRuns(5).map(run => ({ run, before: null }));
    expect(newsText(many, trans)).toBe('5 runs have changed');
  });
});

describe('ErrorNote', () => {
  it('says what to do and lets one try again', () => {
    const onRetry = jest.fn();
    const error = new FlotillaError('no <b>store</b>', 'x', 'free some space');
    render(<ErrorNote error={error} onRetry={onRetry} trans={trans} />);

    fireEvent.click(screen.getByRole('button', { name: 'Try again' }));

    expect(screen.getByText('no <b>store</b>')).toBeTruthy();
    expect(screen.getByText('free some space')).toBeTruthy();
    expect(onRetry).toHaveBeenCalled();
  });
});

describe('ServerClock', () => {
  it('takes no notice of answers that are no times', () => {
    const clock = new ServerClock();
    clock.learn('never');
    expect(clock.skewMs).toBe(0);
  });
});
