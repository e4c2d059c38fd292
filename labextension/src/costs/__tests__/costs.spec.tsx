import { act, fireEvent, render, screen } from '@testing-library/react';
import { FlotillaApi } from '../../api';
import {
  aPage,
  aRun,
  aStatus,
  FakeServer,
  FakeSocket,
  NOW,
  settle,
  trans
} from '../../__tests__/fakes';
import { RunsModel } from '../../runs';
import type { ICostRow, IRun } from '../../wire';
import { CostsSection } from '../components/CostsSection';
import { reasonOf } from '../components/Leaders';
import { barsOf, groupsOf, totalsOf } from '../groups';
import { CostsModel } from '../model';
import { sinceOf } from '../range';

function aRow(fields: Partial<ICostRow> = {}): ICostRow {
  return {
    group: '/home/ada/train.ipynb',
    engine: 'ecs',
    is_billed: true,
    runs: 2,
    attempts: 3,
    usd: 1.5,
    failed_usd: 0.5,
    ...fields
  };
}

const HERE = { engine: 'process', is_billed: false };

describe('ranges', () => {
  const now = Date.parse('2026-11-03T10:20:30Z');

  it('begin at midnight in UTC', () => {
    expect(sinceOf('today', now)).toBe('2026-11-03T00:00:00.000Z');
    expect(sinceOf('week', now)).toBe('2026-10-28T00:00:00.000Z');
    expect(sinceOf('month', now)).toBe('2026-11-01T00:00:00.000Z');
    expect(sinceOf('all', now)).toBeUndefined();
  });
});

describe('groups', () => {
  it('are summed over engines, what is billed apart, the most expensive first', () => {
    const groups = groupsOf([
      aRow({ ...HERE, group: 'a', usd: 9, failed_usd: 0 }),
      aRow({ group: 'b' }),
      aRow({ ...HERE, group: 'b', usd: 0.25 })
    ]);

    expect(groups.map(one => one.group)).toEqual(['b', 'a']);
    expect(groups[0]).toMatchObject({ runs: 4, billedUsd: 1.5, unbilledUsd: 0.25, failedUsd: 1 });
    expect(totalsOf([aRow(), aRow({ ...HERE, usd: 4 })])).toMatchObject({
      billedUsd: 1.5,
      unbilledUsd: 4,
      runs: 4
    });
  });

  it('have bars of one scale, and none where nothing was spent', () => {
    const groups = groupsOf([
      aRow({ group: 'a', usd: 4 }),
      aRow({ ...HERE, group: 'b', usd: 1 })
    ]);
    expect(barsOf(groups)).toEqual([
      { billed: 1, unbilled: 0 },
      { billed: 0, unbilled: 0.25 }
    ]);
    expect(barsOf(groupsOf([aRow({ usd: 0 })]))).toEqual([{ billed: 0, unbilled: 0 }]);
  });

  it('do not say an amount twice', () => {
    expect(reasonOf('$0.02 · 80 % of the memory was never used')).toBe(
      '80 % of the memory was never used'
    );
    expect(reasonOf('$0.02 for attempts that failed')).toBe('$0.02 for attempts that failed');
    expect(reasonOf('<$0.0001')).toBe('');
  });
});

describe('the section', () => {
  let server: FakeServer;
  let runs: RunsModel;
  let costs: CostsModel;
  const opened = jest.fn();

  const answered = () => server.asked.filter(path => path.startsWith('costs?by=notebook')).length;

  /** Let a run end, and wait until that is old news. */
  const end = (run: IRun) =>
    act(async () => {
      FakeSocket.last.send({ type: 'runs', seq: 2, now: NOW, runs: [run] });
      jest.advanceTimersByTime(1000);
      await settle();
    });

  beforeEach(async () => {
    jest.useFakeTimers();
    server = new FakeServer(path => {
      if (path.startsWith('status')) {
        return { json: aStatus() };
      }
      if (path.startsWith('costs/waste')) {
        const run = aRun({ name: 'dear' });
        return { json: { expensive: [{ run, usd: 1.5, text: '$1.50' }], wasteful: [] } };
      }
      if (path.startsWith('costs')) {
        const rows = [aRow(), aRow({ ...HERE, usd: 0.25 })];
        return { json: { rows, since: null } };
      }
      return { json: aPage([]) };
    });
    const api = new FlotillaApi(server.settings);
    runs = new RunsModel(api);
    costs = new CostsModel({ api, model: runs });
    await runs.start();
    render(
      <CostsSection costs={costs} runs={runs} onOpen={opened} onLaunch={jest.fn()} trans={trans} />
    );
  });

  afterEach(() => {
    costs.dispose();
    runs.dispose();
    jest.useRealTimers();
  });

  it('keeps what is billed apart from what nobody pays, and opens runs', async () => {
    await act(async () => {
      costs.wake();
      await settle();
    });

    expect(screen.getByText('Would have been on Fargate').nextSibling).toHaveProperty(
      'textContent',
      '≈$0.25'
    );
    expect(screen.getByText('$1.50 + ≈$0.25')).toBeTruthy();
    expect(screen.getByText(/of \$50/)).toBeTruthy();
    fireEvent.click(screen.getByRole('button', { name: /dear/ }));
    expect(opened).toHaveBeenCalledWith(aRun().id);
  });

  it('asks nothing until it is looked at, and again when a run has ended', async () => {
    await settle();
    expect(answered()).toBe(0);
    await act(async () => {
      costs.wake();
      await settle();
    });
    expect(answered()).toBe(1);

    await end(aRun({ created_at: NOW }));
    expect(answered()).toBe(2);

    costs.sleep();
    await end(aRun({ id: 'r000000000002', created_at: NOW }));
    expect(answered()).toBe(2);
  });

  it('says what went wrong, and tries again', async () => {
    const working = server.answer;
    server.answer = () => ({
      status: 500,
      json: { code: 'internal', message: 'something went wrong', next: null }
    });
    await act(async () => {
      costs.wake();
      await settle();
    });
    expect(screen.getByRole('alert').textContent).toContain('something went wrong');

    server.answer = working;
    await act(async () => {
      fireEvent.click(screen.getByRole('button', { name: 'Try again' }));
      await settle();
    });

    expect(screen.queryByRole('alert')).toBeNull();
    expect(screen.getByText('train.ipynb')).toBeTruthy();
  });
});
