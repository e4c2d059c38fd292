import { act, fireEvent, render, screen, within } from '@testing-library/react';
import { aPage, aRun, aRunningRun, FakeServer, FakeSocket, settle, trans } from '../../__tests__/fakes';
import { FlotillaApi } from '../../api';
import { Ticker } from '../../clock';
import { RunsModel } from '../../runs';
import type { ISchedule } from '../../wire';
import { BackfillModel } from '../backfill';
import type { IScheduleRowActions } from '../components/keys';
import { SchedulesSection } from '../components/SchedulesSection';
import { SchedulesModel } from '../model';
import { aDetail, all, aSchedule, aTick, NOW } from './samples';

const HOSTILE = '<img src=x onerror="window.hit=1">\u202Egnp.exe';
const QUIET_MS = 300;

let server: FakeServer;
let runs: RunsModel;
let schedules: SchedulesModel;
let actions: jest.Mocked<IScheduleRowActions>;
let props: Record<
  'onSchedule' | 'onOpenRun' | 'onAgain' | 'onBackfill' | 'onStopBackfill',
  jest.Mock
>;
let listed: ISchedule[];
let detail: ReturnType<typeof aDetail>;
let note: string | null;
let isAway: boolean;
let dry: { status?: number; json: object };

function answer(path: string): { status?: number; json?: unknown } | null {
  if (isAway) {
    return null;
  }
  if (path === 'schedules') {
    return { json: all(listed, note) };
  }
  if (path.endsWith('/backfill')) {
    return dry;
  }
  return path.startsWith('schedules/') ? { json: detail } : { json: aPage([aRun()]) };
}

const told = () =>
  act(async () => {
    await settle();
    jest.advanceTimersByTime(QUIET_MS);
    await settle();
  });

async function shown(...rows: ISchedule[]): Promise<void> {
  listed = rows;
  schedules = new SchedulesModel({ api: runs.api, model: runs });
  const time = { clock: runs.clock, ticker: new Ticker() };
  render(
    <SchedulesSection
      schedules={schedules}
      actions={actions}
      makeBackfill={({ id, zone }) => new BackfillModel(runs.api, id, zone, Date.parse(NOW))}
      time={time}
      trans={trans}
      {...props}
    />
  );
  act(() => schedules.wake());
  await told();
}

beforeEach(() => {
  jest.useFakeTimers({ now: Date.parse(NOW) });
  isAway = false;
  note = null;
  detail = aDetail();
  dry = { json: { ticks: 3, made: 1, ceiling_usd: 0.5, asks: [], is_started: false } };
  server = new FakeServer(answer);
  runs = new RunsModel(new FlotillaApi(server.settings));
  actions = {
    history: jest.fn(),
    edit: jest.fn(),
    pause: jest.fn(),
    run: jest.fn(),
    delete: jest.fn(),
    menu: jest.fn(),
    leave: jest.fn()
  };
  props = {
    onSchedule: jest.fn(),
    onOpenRun: jest.fn(),
    onAgain: jest.fn(),
    onBackfill: jest.fn(async () => true),
    onStopBackfill: jest.fn()
  };
});

afterEach(() => {
  schedules.dispose();
  runs.dispose();
  jest.useRealTimers();
});

const rows = () => screen.getAllByRole('listitem');

describe('the schedules', () => {
  it('say when they run, when next, and how it went last', async () => {
    await shown(aSchedule());

    const [row] = rows();
    expect(row.textContent).toContain('daily at 02:30 Europe/Berlin');
    expect(row.textContent).toContain('next Fri 02:30 in 16 h');
    expect(row.textContent).toContain('✔succeeded1m$0.01');
    expect(row.getAttribute('aria-label')).toBe('nightly, daily at 02:30 Europe/Berlin');
  });

  it.each([
    [{ paused_at: NOW, next_at: null }, 'paused'],
    [{ is_over: true, next_at: null }, 'over'],
    [{ kind: 'after' as const, after: ['etl', 'load'], next_at: null }, 'waits for etl, load']
  ])('say why there is no next time: %j', async (fields, text) => {
    await shown(aSchedule(fields));

    expect(rows()[0].textContent).toContain(text);
    expect(rows()[0].getAttribute('aria-label')).toContain(text);
  });

  it('show hostile names and reasons as text', async () => {
    await shown(
      aSchedule({ name: HOSTILE, when_text: HOSTILE, latest: aTick({ reason: HOSTILE }) })
    );

    expect(screen.getAllByText(HOSTILE).map(one => one.tagName)).toEqual(['BDI', 'BDI']);
    expect(document.querySelector('img')).toBeNull();
  });

  it.each([
    ['Enter', 'history'],
    ['E', 'edit'],
    ['p', 'pause'],
    ['Delete', 'delete'],
    ['Escape', 'leave']
  ] as const)('do by key %s what they should', async (key, action) => {
    await shown(aSchedule());

    act(() => rows()[0].focus());
    fireEvent.keyDown(rows()[0], { key });

    expect(actions[action]).toHaveBeenCalled();
  });

  it('run nothing by a letter, and have buttons for it', async () => {
    await shown(aSchedule(), aSchedule({ id: 's2', name: 'other', paused_at: NOW }));

    fireEvent.keyDown(rows()[0], { key: 'r' });
    expect(actions.run).not.toHaveBeenCalled();
    fireEvent.click(screen.getByRole('button', { name: 'Run nightly now' }));
    fireEvent.click(screen.getByRole('button', { name: 'Resume other' }));

    expect(actions.run).toHaveBeenCalledTimes(1);
    expect(actions.pause).toHaveBeenCalledWith(expect.objectContaining({ name: 'other' }));
  });

  it('are gone through by arrows, and only one is reached by Tab', async () => {
    await shown(aSchedule(), aSchedule({ id: 's2', name: 'other' }));

    act(() => rows()[0].focus());
    fireEvent.keyDown(rows()[0], { key: 'ArrowDown' });

    expect(document.activeElement).toBe(rows()[1]);
    expect(rows().map(row => row.tabIndex)).toEqual([-1, 0]);
  });

  it('say plainly when nothing will wake them, where there is one to wake', async () => {
    note = 'nothing wakes it after you log out';
    await shown(aSchedule());
    expect(screen.getByRole('note').textContent).toBe(note);

    listed = [aSchedule({ paused_at: NOW, next_at: null })];
    await act(() => schedules.reload());

    expect(screen.queryByRole('note')).toBeNull();
  });

  it.each([
    [{ where: 'cloud' as const }, ['cloud'], 'nightly, daily, AWS starts it'],
    [
      { where: 'cloud' as const, is_placed: false },
      ['cloud', 'not in AWS yet'],
      'nightly, daily, AWS starts it, not in AWS yet'
    ],
    [{ is_placed: false }, ['still in AWS'], 'nightly, daily, still in AWS'],
    [{}, [], 'nightly, daily']
  ])('say whether AWS starts them, and has them: %j', async (fields, words, label) => {
    await shown(aSchedule({ when_text: 'daily', ...fields }));

    const [row] = rows();
    const all = ['cloud', 'not in AWS yet', 'still in AWS'];
    expect(all.filter(word => within(row).queryByText(word))).toEqual(words);
    expect(row.getAttribute('aria-label')).toBe(label);
  });

  it('say nothing of waking where AWS starts all of them', async () => {
    note = 'nothing wakes it after you log out';
    await shown(aSchedule({ where: 'cloud' }));
    expect(screen.getByText('cloud').title).toBe('AWS starts it, whatever is switched off here');
    expect(screen.queryByRole('note')).toBeNull();

    listed = [aSchedule({ where: 'cloud' }), aSchedule({ id: 's2', name: 'other' })];
    await act(() => schedules.reload());
    expect(screen.getByRole('note').textContent).toBe(note);
  });

  it('offer one thing where there are none', async () => {
    await shown();

    fireEvent.click(screen.getByRole('button', { name: 'Schedule this notebook…' }));

    expect(props.onSchedule).toHaveBeenCalled();
  });

  it('say what is wrong where the server is away, and ask again when told to', async () => {
    isAway = true;
    await shown(aSchedule());
    expect(screen.getByRole('alert').textContent).toContain('the server cannot be reached');

    isAway = false;
    fireEvent.click(screen.getByRole('button', { name: 'Try again' }));
    await told();

    expect(rows()).toHaveLength(1);
  });
});

describe('changes', () => {
  it('are asked for when the server tells of them, once for several', async () => {
    await runs.start();
    await shown(aSchedule());
    const before = server.asked.filter(path => path === 'schedules').length;

    listed = [aSchedule({ name: 'renamed' })];
    act(() => FakeSocket.last.send({ type: 'schedules', now: NOW }));
    act(() => FakeSocket.last.send({ type: 'schedules', now: NOW }));
    await told();

    expect(screen.getByText('renamed')).toBeTruthy();
    expect(server.asked.filter(path => path === 'schedules').length).toBe(before + 1);
  });

  it('are not asked for while nobody looks, but then', async () => {
    await runs.start();
    await shown(aSchedule());
    act(() => schedules.sleep());
    const before = server.asked.length;

    act(() => FakeSocket.last.send({ type: 'schedules', now: NOW }));
    await told();
    expect(server.asked.length).toBe(before);
    act(() => schedules.wake());
    await told();

    expect(server.asked).toContain('schedules');
  });

  it('of a latest run are shown as they come, and of other runs not', async () => {
    await runs.start();
    await shown(aSchedule());

    const running = [aRunningRun({ seq: 2 }), aRun({ id: 'r000000000009', seq: 3 })];
    act(() => FakeSocket.last.send({ type: 'runs', seq: 3, now: NOW, runs: running }));

    expect(rows()[0].textContent).toContain('running');
    expect([...schedules.snapshot().runs.keys()]).toEqual(['r000000000001']);
  });
});

describe('the history', () => {
  it('tells what became of each tick, opens its run and runs it again', async () => {
    const missed = aTick({
      scheduled_at: '2026-11-25T01:30:00Z',
      status: 'MISSED',
      run_id: null,
      run_status: null,
      reason: HOSTILE
    });
    detail = aDetail({ history: [aTick({ lag_s: 75, revision: 'abc123', author: HOSTILE }), missed] });
    await shown(aSchedule());
    act(() => schedules.show({ kind: 'history', id: 's000000000001' }));
    await told();

    const [first, second] = within(screen.getByRole('list', { name: 'History' })).getAllByRole(
      'listitem'
    );
    expect(first.textContent).toContain('1m15s late · revision abc123 · by <img');
    expect(second.textContent).toContain('missed');
    expect(document.querySelector('img')).toBeNull();
    expect(document.activeElement?.textContent).toBe('‹ All schedules');
    fireEvent.click(within(first).getByRole('button', { name: /^Open/ }));
    fireEvent.click(within(second).getByRole('button', { name: /again$/ }));
    expect(props.onOpenRun).toHaveBeenCalledWith('r000000000001');
    expect(props.onAgain).toHaveBeenCalledWith('s000000000001', '2026-11-25T01:30:00Z');

    fireEvent.keyDown(document.activeElement as Element, { key: 'Escape' });
    expect(document.activeElement).toBe(rows()[0]);
  });
});

describe('one schedule closer', () => {
  it.each(['history', 'backfill'] as const)(
    'offers in its %s to stop a backfill where ticks of one wait, and only there',
    async kind => {
      detail = aDetail({ backfill_waits: 3 });
      await shown(aSchedule());
      act(() => schedules.show({ kind, id: 's000000000001' }));
      await told();

      expect(screen.getByText('3 moments of a backfill wait.')).toBeTruthy();
      fireEvent.click(screen.getByRole('button', { name: 'Stop the backfill' }));
      expect(props.onStopBackfill).toHaveBeenCalledWith('s000000000001');

      detail = aDetail();
      await act(() => schedules.reload());
      expect(screen.queryByRole('button', { name: 'Stop the backfill' })).toBeNull();
    }
  );

  it('says who starts it, and that AWS does not have it yet', async () => {
    detail = aDetail({ where: 'cloud', is_placed: false });
    await shown(aSchedule());
    act(() => schedules.show({ kind: 'history', id: 's000000000001' }));
    await told();

    const history = screen.getByRole('region', { name: 'History of nightly' });
    expect(within(history).getByText(/^AWS starts it, whatever is switched off here/)).toBeTruthy();
    expect(within(history).getByText('not in AWS yet').title).toMatch(/tries again every minute$/);

    detail = aDetail();
    await act(() => schedules.reload());
    expect(history.textContent).not.toContain('AWS');
  });

  it('says what will not wake it, as text, and nothing where it is paused', async () => {
    detail = aDetail({ waking_note: HOSTILE });
    await shown(aSchedule());
    act(() => schedules.show({ kind: 'history', id: 's000000000001' }));
    await told();
    expect(screen.getByRole('note').textContent).toBe(HOSTILE);
    expect(document.querySelector('img')).toBeNull();

    detail = aDetail({ waking_note: HOSTILE, paused_at: NOW });
    await act(() => schedules.reload());
    expect(screen.queryByRole('note')).toBeNull();
  });
});

describe('a backfill', () => {
  const bodies: unknown[] = [];

  async function opened(): Promise<void> {
    await shown(aSchedule());
    server.answer = (path, body) => {
      if (path.endsWith('/backfill')) {
        bodies.push(body);
      }
      return answer(path);
    };
    act(() => schedules.show({ kind: 'backfill', id: 's000000000001' }));
    await told();
    await told();
  }

  it('says how many runs and at most how much before anything runs', async () => {
    await opened();
    fireEvent.change(screen.getByLabelText('From'), { target: { value: '2026-11-01T00:00' } });
    expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Run 3' }).disabled).toBe(true);
    await told();

    expect(screen.getByRole('status').textContent).toBe('3 runs, at most $0.50 together');
    expect(screen.getByText('1 of that time has a run already.')).toBeTruthy();
    expect(bodies[bodies.length - 1]).toEqual({
      begin: '2026-10-31T23:00:00.000Z',
      end: '2026-11-26T10:00:00.000Z',
      again: false,
      is_dry: true
    });
    expect(props.onBackfill).not.toHaveBeenCalled();
    fireEvent.click(screen.getByRole('button', { name: 'Run 3' }));
    expect(props.onBackfill).toHaveBeenCalled();
  });

  it('cannot be run where there is nothing to run, and says why', async () => {
    dry = { status: 422, json: { code: 'usage', message: 'nothing to backfill', next: 'an earlier FROM' } };
    await opened();

    expect(screen.getByRole('alert').textContent).toContain('an earlier FROM');
    expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Run' }).disabled).toBe(true);
  });
});
