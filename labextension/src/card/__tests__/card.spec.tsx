import { act, cleanup, fireEvent, render, screen, within } from '@testing-library/react';
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
import { RunActions } from '../../actions';
import { FlotillaApi } from '../../api';
import { Ticker } from '../../clock';
import type { IContext } from '../../context';
import { RunsModel } from '../../runs';
import type { IRun, IRunDetail } from '../../wire';
import { CardActions } from '../actions';
import type { IStoredCard } from '../bundle';
import { Card } from '../components/Card';
import { Executing } from '../executing';
import type { ICardHost } from '../host';
import { CardContext } from '../host';
import { RunLookup } from '../lookup';

const RUN = 'r000000000001';
const RETRY = 'r000000000002';
const STORED = { runId: RUN, lines: ['a stored <b>text</b>', 'second line'] };

let stored: IRun[];
let suggestion: IRunDetail['suggestion'];
let posted: { path: string; body: unknown }[];
/** What the server says to what is posted, one after the other; then the run. */
let answers: { status: number; json: unknown }[];
let isAway: boolean;
let host: ICardHost;
let opened: string[];

function answer(path: string, body: unknown): { status?: number; json: unknown } {
  if (path.startsWith('status')) {
    return { json: aStatus() };
  }
  const [, id, what] = path.split(/[/?]/);
  if (what) {
    posted.push({ path, body });
    const run = what === 'retry' ? aRunningRun({ id: RETRY, retry_of: RUN }) : stored[0];
    return answers.shift() ?? { json: what === 'retry' ? { run } : run };
  }
  if (path.startsWith('runs/')) {
    const run = stored.find(one => one.id === id);
    return { json: { ...run, attempts: [], suggestion } };
  }
  const ids = new URL(path, 'http://x/').searchParams.getAll('ids');
  return { json: aPage(stored.filter(run => ids.includes(run.id))) };
}

/** All that is drawn is in sight. */
class EverythingSeen {
  constructor(private _tell: (entries: { target: Element; isIntersecting: boolean }[]) => void) {}

  observe(target: Element): void {
    this._tell([{ target, isIntersecting: true }]);
  }

  unobserve(): void {
    // nothing to end
  }
}

beforeAll(() => {
  Object.assign(globalThis, { IntersectionObserver: EverythingSeen });
});

beforeEach(async () => {
  stored = [];
  suggestion = null;
  posted = [];
  answers = [];
  opened = [];
  isAway = false;
  const server = new FakeServer((path, body) => (isAway ? null : answer(path, body)));
  const api = new FlotillaApi(server.settings);
  const model = new RunsModel(api);
  await model.start();
  const open = { run: (id: string) => opened.push(id) };
  const context = { api, model, trans, open } as unknown as IContext;
  host = {
    context,
    lookup: new RunLookup(model, Promise.resolve()),
    actions: new CardActions(context, new RunActions({} as never, model, trans)),
    executing: new Executing(),
    time: { clock: model.clock, ticker: new Ticker() }
  };
});
afterEach(() => {
  cleanup();
  host.lookup.dispose();
  host.context.model.dispose();
  jest.restoreAllMocks();
});

/** Draw a card of what is stored, and wait until all about it is known. */
async function drawn(card: IStoredCard = STORED): Promise<HTMLElement> {
  const { container } = render(
    <CardContext.Provider value={host}>
      <Card stored={card} />
    </CardContext.Provider>
  );
  for (let turn = 0; turn < 2; turn++) {
    await act(async () => {
      await settle();
      await new Promise(resolve => setTimeout(resolve, 40));
      await settle();
    });
  }
  return container;
}

async function press(name: RegExp): Promise<void> {
  await act(async () => {
    fireEvent.click(screen.getByRole('button', { name }));
    await settle();
  });
}

/** Have each question answered with yes, or with no. */
function answerWith(isYes: boolean): { asked: jest.SpyInstance } {
  jest.spyOn(RunActions.prototype, 'confirmCancel').mockResolvedValue(isYes);
  return { asked: jest.spyOn(RunActions.prototype, 'agree').mockResolvedValue(isYes) };
}

describe('a card whose run is in the store', () => {
  it('shows it, and nothing of what was stored', async () => {
    stored = [
      aRunningRun({
        tags: { team: 'search' },
        engine: 'ecs',
        place: 'eu-central-1',
        ceiling_usd: 1.5,
        progress: { fraction: 0.61, text: '61% epoch 12' },
        usage: { memory_mib: 2048, peak_memory_mib: 3000, cpu_percent: 120 }
      })
    ];
    const card = await drawn();

    expect(screen.getByRole('group', { name: /Run .*train/ })).toBeTruthy();
    for (const text of [
      'running',
      'Memory 2 G of 4 G',
      '61% epoch 12',
      'of at most $1.50',
      'ecs · eu-central-1 · 2 vCPU · 4 G',
      'ada',
      'team ',
      'jupyter flotilla cancel r000000'
    ]) {
      expect(card.textContent).toContain(text);
    }
    // what was stored is apart, and says so
    expect(screen.getByText('As stored in this notebook').tagName).toBe('SUMMARY');
    card.querySelector('details')!.remove();
    expect(card.textContent).not.toContain('stored');
    expect(screen.getByRole('progressbar').getAttribute('aria-valuenow')).toBe('61');
  });

  it('says that nobody pays where nobody does', async () => {
    stored = [aRun({ is_billed: false })];

    expect((await drawn()).textContent).toContain('nobody: it runs locally');
  });

  it('shows its end, and why', async () => {
    stored = [
      aRun({
        status: 'FAILED',
        failure_kind: 'out-of-memory',
        message: 'it passed 4 G <script>',
        usage: { memory_mib: 1, peak_memory_mib: 4096, cpu_percent: 0 }
      })
    ];
    const card = await drawn();

    expect(card.textContent).toContain('failed: out of memory');
    expect(card.textContent).toContain('Peak memory 4 G of 4 G');
    expect(card.textContent).toContain('it passed 4 G <script>');
    expect(card.querySelector('script')).toBeNull();
    expect(card.textContent).not.toContain('jupyter flotilla cancel');
  });

  it('tells its changes alone to screen readers', async () => {
    stored = [aRunningRun()];
    await drawn();
    expect(screen.getByRole('status').textContent).toBe('');

    act(() => host.context.model.take(aRun({ seq: 2 })));

    expect(screen.getByRole('status').textContent).toBe('succeeded');
  });

  it('opens', async () => {
    stored = [aRun()];
    await drawn();
    await press(/Open/);

    expect(opened).toEqual([RUN]);
  });

  it('keeps what was known when it is deleted, and has no buttons', async () => {
    stored = [aRun()];
    const card = await drawn();

    act(() => FakeSocket.last.send({ type: 'gone', ids: [RUN] }));

    expect(card.textContent).toContain('It was deleted');
    expect(card.textContent).toContain('succeeded');
    expect(screen.queryAllByRole('button')).toEqual([]);
  });

  it('says that what it shows is old while the server is away', async () => {
    stored = [aRunningRun()];
    const card = await drawn();
    isAway = true;
    await act(async () => {
      await host.context.model.refresh();
    });

    expect(card.textContent).toMatch(/As of .*: the server cannot be reached/);
    const cancel = screen.getByRole('button', { name: /Cancel/ });
    expect(cancel).toHaveProperty('disabled', true);
  });
});

describe('what can be done from a card', () => {
  it('is to cancel, after a question', async () => {
    stored = [aRunningRun()];
    await drawn();
    answerWith(false);
    await press(/^Cancel/);
    expect(posted).toEqual([]);

    jest.restoreAllMocks();
    answerWith(true);
    await press(/^Cancel/);
    expect(posted).toEqual([{ path: `runs/${RUN}/cancel`, body: {} }]);
  });

  it('is to cancel harder, without one', async () => {
    stored = [aRunningRun({ cancel_requested_at: '2026-11-26T10:00:00Z' })];
    await drawn();
    await press(/^Cancel now/);

    expect(posted).toEqual([{ path: `runs/${RUN}/cancel`, body: { grace_s: 0 } }]);
  });

  it('is to detach, only while a kernel of this page waits', async () => {
    stored = [aRunningRun()];
    await drawn();
    expect(screen.queryByRole('button', { name: /Detach/ })).toBeNull();

    act(() => host.executing.set(host, new Set([RUN])));
    await press(/Detach/);

    expect(posted.map(({ path }) => path)).toEqual([`runs/${RUN}/detach`]);
  });

  it('is to retry as suggested; what needs consent is asked', async () => {
    stored = [aRun({ status: 'FAILED', failure_kind: 'out-of-memory' })];
    suggestion = { label: 'Retry with 8 G', options: { memory: '8G' } };
    answers = [{ status: 409, json: { code: 'refused', message: 'it may cost $90', next: null } }];
    const { asked } = answerWith(true);
    const card = await drawn();
    await press(/Retry with 8 G/);

    expect(asked.mock.calls[0][0]).toMatchObject({ message: 'it may cost $90' });
    expect(posted.map(({ body }) => body)).toEqual([
      { options: { memory: '8G' }, confirm: true },
      { options: { memory: '8G' }, confirm: false }
    ]);
    expect(card.textContent).toContain('Retried as');
    fireEvent.click(within(card).getByText('r000000', { selector: 'button' }));
    expect(opened).toEqual([RETRY]);
  });

  it('is done once, and says what goes wrong', async () => {
    stored = [aRun({ status: 'CANCELLED' })];
    answers = [{ status: 500, json: { code: 'internal', message: 'no room', next: 'free some' } }];
    await drawn();
    const retry = screen.getByRole('button', { name: /Retry/ });
    fireEvent.click(retry);
    expect(retry.getAttribute('aria-busy')).toBe('true');
    fireEvent.click(retry);
    await act(settle);

    expect(posted).toHaveLength(1);
    expect(screen.getByRole('alert').textContent).toContain('no room');
    expect(screen.getByRole('alert').textContent).toContain('free some');
    expect(retry.getAttribute('aria-busy')).toBeNull();
  });

  it('leaves the focus among the buttons when one is taken away', async () => {
    stored = [aRunningRun()];
    await drawn();
    screen.getByRole('button', { name: /Cancel/ }).focus();

    act(() => host.context.model.take(aRun({ seq: 2 })));

    expect(document.activeElement?.textContent).toBe('Open');
  });
});

describe('a card whose run is not in the store', () => {
  it.each([RUN, null])('shows its text, and has no buttons (%s)', async runId => {
    const card = await drawn({ ...STORED, runId });

    expect(card.textContent).toContain('a stored <b>text</b>\nsecond line');
    expect(card.textContent).toContain('not in the store of this server');
    expect(card.querySelector('pre b')).toBeNull();
    expect(screen.queryAllByRole('button')).toEqual([]);
  });

  it('says so only when the server has', async () => {
    isAway = true;
    const card = await drawn();

    expect(card.textContent).toContain('a stored');
    expect(card.textContent).toContain('cannot be asked');
    expect(screen.queryAllByRole('button')).toEqual([]);
  });
});
