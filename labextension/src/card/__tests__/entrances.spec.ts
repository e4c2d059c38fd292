import { Signal } from '@lumino/signaling';
import { openFromAddress } from '../address';
import { Claim } from '../claim';
import { openAsTold } from '../kernels';

const RUN = 'r000000000001';

describe('openAsTold', () => {
  type Opened = (comm: { dispose: () => void }, message: object) => void;

  function aKernel(): { registerCommTarget: jest.Mock; say: (data: object) => void } {
    const registerCommTarget = jest.fn();
    const say = (data: object) => {
      const [, callback] = registerCommTarget.mock.calls[0] as [string, Opened];
      callback({ dispose: () => undefined }, { content: { data } });
    };
    return { registerCommTarget, say };
  }

  it('opens a run for the kernel that is there, and for the next one', () => {
    const [first, second] = [aKernel(), aKernel()];
    const kernelChanged = new Signal<object, object>({});
    const run = jest.fn();
    openAsTold({ session: { kernel: first }, kernelChanged } as never, { run });
    kernelChanged.emit({ newValue: second });

    first.say({ run_id: RUN });
    second.say({ run_id: 'r000000000002' });

    expect(first.registerCommTarget.mock.calls[0][0]).toBe('flotilla.open');
    expect(run.mock.calls).toEqual([[RUN], ['r000000000002']]);
  });

  it.each([{}, { run_id: '../../etc' }, { run_id: null }, { run_id: ['r000000000001'] }])(
    'opens nothing for %j',
    data => {
      const kernel = aKernel();
      const run = jest.fn();
      openAsTold({ session: { kernel }, kernelChanged: new Signal({}) } as never, { run });
      kernel.say(data);

      expect(run).not.toHaveBeenCalled();
    }
  );
});

describe('openFromAddress', () => {
  afterEach(() => window.history.replaceState(null, '', '/'));

  it('opens the run that the address names, once', async () => {
    window.history.replaceState(null, '', `/lab?flotilla-run=${RUN}&reset#x`);
    const run = jest.fn();

    await openFromAddress(window.location.search, Promise.resolve(), { run });

    expect(run).toHaveBeenCalledWith(RUN);
    expect(window.location.href).toMatch(/\/lab\?reset#x$/);
  });

  it.each(['', '?flotilla-run=', '?flotilla-run=<script>', '?other=r000000000001'])(
    'opens nothing of %j',
    async search => {
      const run = jest.fn();
      await openFromAddress(search, Promise.resolve(), { run });

      expect(run).not.toHaveBeenCalled();
    }
  );
});

describe('Claim', () => {
  /** Locks of a browser: one holder a name, the others wait in turn. */
  class FakeLocks {
    private _last = new Map<string, Promise<void>>();

    request = (
      name: string,
      { signal }: { signal: AbortSignal },
      held: () => Promise<void>
    ): Promise<void> => {
      const before = this._last.get(name) ?? Promise.resolve();
      const mine = before.then(() => (signal.aborted ? undefined : held()));
      this._last.set(name, mine);
      return mine;
    };
  }

  beforeEach(() => {
    Object.defineProperty(navigator, 'locks', { value: new FakeLocks(), configurable: true });
  });
  afterEach(() => {
    Object.defineProperty(navigator, 'locks', { value: undefined, configurable: true });
  });
  const turn = () => new Promise(resolve => setTimeout(resolve, 0));

  it('is of one page, and of the next when that is closed', async () => {
    const won = jest.fn();
    const [first, second] = [new Claim(() => undefined), new Claim(won)];
    first.setNotebook('a.ipynb');
    second.setNotebook('a.ipynb');
    await turn();
    expect([first.isOurs, second.isOurs]).toEqual([true, false]);

    first.dispose();
    await turn();
    expect([first.isOurs, second.isOurs]).toEqual([false, true]);
    expect(won).toHaveBeenCalledTimes(1);
  });

  it('goes with the notebook', async () => {
    const [first, second] = [new Claim(() => undefined), new Claim(() => undefined)];
    first.setNotebook('a.ipynb');
    second.setNotebook('a.ipynb');
    await turn();
    first.setNotebook('b.ipynb');
    await turn();

    expect([first.isOurs, second.isOurs]).toEqual([true, true]);
  });

  it('is of every page where pages cannot know of each other', () => {
    Object.defineProperty(navigator, 'locks', { value: undefined, configurable: true });
    const claim = new Claim(() => undefined);
    claim.setNotebook('a.ipynb');

    expect(claim.isOurs).toBe(true);
  });
});
