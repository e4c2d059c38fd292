import { FlotillaError } from '../../api';
import type { IPlan, What } from '../../wire';
import { Planner } from '../planner';
import { aPlan } from './samples';

const FILE: What = { kind: 'file', path: 'a.ipynb' };

interface IAsked {
  options: object;
  signal?: AbortSignal;
  answer: (plan: IPlan) => void;
  fail: (error: Error) => void;
}

let asked: IAsked[];
let planner: Planner;

async function later(ms: number): Promise<void> {
  await jest.advanceTimersByTimeAsync(ms);
}

beforeEach(() => {
  jest.useFakeTimers();
  asked = [];
  planner = new Planner({
    plan: (_, options, signal) =>
      new Promise((answer, fail) => asked.push({ options, signal, answer, fail }))
  });
});

afterEach(() => {
  planner.dispose();
  jest.useRealTimers();
});

describe('the planner', () => {
  it('asks once, 400 ms after the last change', async () => {
    planner.ask(FILE, { memory: '1G' });
    await later(399);
    planner.ask(FILE, { memory: '2G' });
    await later(399);
    expect(asked).toEqual([]);
    await later(1);

    expect(asked.map(one => one.options)).toEqual([{ memory: '2G' }]);
  });

  it('shows the old price as stale until the new one is there', async () => {
    planner.ask(FILE, {});
    expect(planner.planned).toEqual({ plan: null, error: null, isStale: true });
    await later(400);
    asked[0].answer(aPlan());
    await later(0);
    expect(planner.planned).toEqual({ plan: aPlan(), error: null, isStale: false });

    planner.ask(FILE, { memory: '2G' });

    expect(planner.planned).toEqual({ plan: aPlan(), error: null, isStale: true });
  });

  it('lets the newest answer win, whichever comes last', async () => {
    planner.ask(FILE, { memory: '1G' });
    await later(400);
    planner.ask(FILE, { memory: '2G' });
    await later(400);
    expect(asked[0].signal?.aborted).toBe(true);

    asked[1].answer(aPlan({ name: 'newest' }));
    await later(0);
    asked[0].answer(aPlan({ name: 'oldest' }));
    await later(0);

    expect(planner.planned.plan?.name).toBe('newest');
  });

  it('shows an error instead of a price that is no longer true, and forgets it', async () => {
    planner.ask(FILE, {});
    await later(400);
    asked[0].fail(new FlotillaError("'16' is not a size", 'invalid-option'));
    await later(0);
    expect(planner.planned.error?.message).toBe("'16' is not a size");
    expect(planner.planned.plan).toBeNull();

    planner.ask(FILE, {});
    await later(400);
    asked[1].answer(aPlan());
    await later(0);

    expect(planner.planned.error).toBeNull();
  });

  it('asks nothing where there is nothing to launch, or it cannot be sent', async () => {
    planner.ask(FILE, {});
    planner.ask(null, {});
    await later(1000);
    expect(planner.planned).toEqual({ plan: null, error: null, isStale: false });

    planner.ask(FILE, {});
    planner.pause();
    await later(1000);

    expect(asked).toEqual([]);
  });
});
