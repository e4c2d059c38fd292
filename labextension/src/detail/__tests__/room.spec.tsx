import type { JupyterFrontEnd } from '@jupyterlab/application';
import { act, fireEvent, render, screen } from '@testing-library/react';
import {
  aPage,
  aRun,
  aRunningRun,
  aStatus,
  FakeServer,
  FakeSocket,
  settle,
  trans
} from '../../__tests__/fakes';
import { FlotillaApi } from '../../api';
import { Ticker } from '../../clock';
import type { DetailTab, IContext } from '../../context';
import { RunsModel } from '../../runs';
import type { IRun } from '../../wire';
import { DetailRoom } from '../DetailRoom';
import { Visibility } from '../visible';

const PARTS = {
  attempts: [],
  events: [{ seq: 1, at: '2026-11-26T09:00:00Z', name: 'QUEUED→PENDING', detail: { attempt: 1 } }],
  spec: { kind: 'notebook' },
  explanation: 'It ran out of memory.',
  suggestion: null,
  queue: 'next, behind 2 others',
  outputs: [],
  files: [],
  has_notebook: false,
  is_kept: false,
  status_text: '',
  cost_text: ''
};
const EMPTY = {
  attempt: 1, records: [], first: 0, last: 0, at_start: true, at_end: true, is_over: true
};

let answer: { status?: number; json?: unknown } | null;
let model: RunsModel;
let onClose: jest.Mock;
let onNamed: jest.Mock;
let onTab: jest.Mock;

async function shown(run: IRun, tab: DetailTab = 'overview'): Promise<void> {
  answer ??= { json: { ...run, ...PARTS } };
  const server = new FakeServer(path => {
    if (path.includes('/stream')) {
      return { json: EMPTY };
    }
    if (path.startsWith('runs/')) {
      return answer;
    }
    return { json: path.startsWith('status') ? aStatus() : aPage([run]) };
  });
  const api = new FlotillaApi(server.settings);
  model = new RunsModel(api);
  await model.start();
  const app = { resolveOptionalService: async () => null, commands: { execute: jest.fn() } };
  const context: IContext = {
    api,
    model,
    app: app as unknown as JupyterFrontEnd,
    trans,
    notebooks: null,
    open: {
      run: jest.fn(),
      launch: jest.fn(),
      runs: jest.fn(),
      schedule: jest.fn(),
      editSchedule: jest.fn(),
      schedules: jest.fn()
    }
  };
  onClose = jest.fn();
  onNamed = jest.fn();
  onTab = jest.fn();
  await act(async () => {
    render(
      <DetailRoom
        context={context}
        runId={run.id}
        tab={tab}
        asked={0}
        visibility={new Visibility()}
        ticker={new Ticker()}
        onNamed={onNamed}
        onTab={onTab}
        onClose={onClose}
      />
    );
    await settle();
  });
}

beforeAll(() => {
  globalThis.ResizeObserver ??= class {
    observe() {}
    unobserve() {}
    disconnect() {}
  };
});
beforeEach(() => {
  answer = null;
});
afterEach(() => model.dispose());

const roomNames = () => screen.getAllByRole('tab').map(tab => tab.textContent);

describe('DetailRoom', () => {
  it('shows a run, its name for the tab, and what it waits behind', async () => {
    await shown(aRunningRun({ status: 'QUEUED' }));

    expect(screen.getByRole('heading', { name: 'train' })).toBeTruthy();
    expect(onNamed).toHaveBeenCalledWith(expect.objectContaining({ name: 'train' }));
    expect(screen.getByText('next, behind 2 others')).toBeTruthy();
    expect(screen.queryByText(/Why/)).toBeNull();
    expect(roomNames()).toEqual([
      'Logs', 'Notebook', 'Outputs', 'Usage', 'Cost', 'Spec', 'Events'
    ]);
  });

  it('opens the room that was asked for, and no notebook of what has none', async () => {
    await shown(aRun({ kind: 'command' }), 'events');

    expect(roomNames()).not.toContain('Notebook');
    expect(screen.getByRole('tabpanel', { name: 'Events' }).textContent).toContain(
      'queued → pendingattempt: 1'
    );
  });

  it('tells which room was opened', async () => {
    await shown(aRun());
    fireEvent.click(screen.getByRole('tab', { name: 'Spec' }));

    expect(screen.getByRole('tabpanel', { name: 'Spec' })).toBeTruthy();
    expect(onTab).toHaveBeenCalledWith('spec');
  });

  it('becomes what the run becomes', async () => {
    await shown(aRunningRun());
    answer = { json: { ...aRun({ status: 'FAILED', seq: 2 }), ...PARTS } };
    act(() => {
      const run = aRun({ status: 'FAILED', failure_kind: 'out-of-memory', seq: 2 });
      FakeSocket.last.send({ type: 'runs', seq: 2, now: run.ended_at, runs: [run] });
    });

    expect(screen.getByText('failed: out of memory')).toBeTruthy();
    expect(screen.getByText('It ran out of memory.')).toBeTruthy();
  });

  it('says that a run is no longer there, and offers to close', async () => {
    answer = { status: 404, json: { code: 'run-not-found', message: 'no run', next: null } };
    await shown(aRun());

    expect(screen.getByText(/is no longer there/)).toBeTruthy();
    expect(screen.queryByRole('tablist')).toBeNull();
    fireEvent.click(screen.getByRole('button', { name: 'Close' }));
    expect(onClose).toHaveBeenCalled();
  });

  it('keeps what it has when the run goes while one looks', async () => {
    await shown(aRun());
    act(() => FakeSocket.last.send({ type: 'gone', ids: [aRun().id] }));

    expect(screen.getByText(/is no longer there/)).toBeTruthy();
    expect(screen.getByRole('heading', { name: 'train' })).toBeTruthy();
  });

  it('says who may not see it, and tries again when told to', async () => {
    answer = { status: 403, json: { code: 'forbidden', message: 'you may not', next: 'ask Ada' } };
    await shown(aRun());
    expect(screen.getByRole('alert').textContent).toContain('you may notask Ada');

    answer = { json: { ...aRun(), ...PARTS } };
    await act(async () => {
      fireEvent.click(screen.getByRole('button', { name: 'Try again' }));
      await settle();
    });
    expect(screen.queryByRole('alert')).toBeNull();
    expect(screen.getByRole('tablist')).toBeTruthy();
  });

  it('says since when the server is away, and shows what it has', async () => {
    await shown(aRun());
    jest.spyOn(model, 'snapshot').mockReturnValue({
      ...model.snapshot(),
      connection: 'offline',
      heardAt: new Date(2020, 1, 1, 10, 42).getTime()
    });
    act(() => model.take(aRun()));

    expect(screen.getByText(/Showing data of .*10:42.*; server unreachable/)).toBeTruthy();
    expect(screen.getByRole('heading', { name: 'train' })).toBeTruthy();
  });
});
