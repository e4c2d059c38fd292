import { Notification } from '@jupyterlab/apputils';
import { Signal } from '@lumino/signaling';
import type { IContext } from '../context';
import { Toasts } from '../toasts';
import type { ITransition } from '../transitions';
import type { IRun } from '../wire';
import { aRun, manyRuns, trans } from './fakes';

const open = { run: jest.fn(), runs: jest.fn(), launch: jest.fn() };
let moved: Signal<object, ITransition[]>;
let toasts: Toasts;

beforeEach(() => {
  const model = { snapshot: () => ({ subject: { owner: 'ada', notebook: '' } }) };
  moved = new Signal<object, ITransition[]>(model);
  toasts = new Toasts({ model: { ...model, moved }, trans, open } as unknown as IContext);
});

afterEach(() => Notification.dismiss());

function told(...runs: IRun[]): string[] {
  moved.emit(runs.map(run => ({ run, before: 'RUNNING' })));
  return Notification.manager.notifications.map(one => `${one.type} ${one.message}`);
}

describe('Toasts', () => {
  it('tells of a run that has succeeded, and opens it', () => {
    expect(told(aRun())).toEqual(['success \u2068train\u2069: succeeded']);

    Notification.manager.notifications[0].options.actions?.[0].callback({} as MouseEvent);
    expect(open.run).toHaveBeenCalledWith('r000000000001');
  });

  it('says how a run has failed', () => {
    const run = aRun({ status: 'FAILED', failure_kind: 'out-of-memory' });

    expect(told(run)).toEqual(['error \u2068train\u2069: failed: out of memory']);
  });

  it('is silent about what others do, what goes on and what the user has cancelled', () => {
    const silent = [
      aRun({ owner: 'bob' }),
      aRun({ status: 'RUNNING', ended_at: null }),
      aRun({ status: 'CANCELLED' })
    ];

    expect(told(...silent)).toEqual([]);
  });

  it('tells of many at once', () => {
    const [one, ...others] = manyRuns(5);

    expect(told({ ...one, status: 'FAILED' }, ...others)).toEqual([
      'warning 5 runs have ended: 4 succeeded, 1 failed'
    ]);
  });

  it('is silent when it is switched off', () => {
    toasts.isOn = false;

    expect(told(aRun())).toEqual([]);
  });
});
