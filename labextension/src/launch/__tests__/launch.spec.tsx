import { act, fireEvent, render, screen, within } from '@testing-library/react';
import { FakeServer, aPage, aRun, aStatus, settle } from '../../__tests__/fakes';
import { FlotillaApi } from '../../api';
import type { IContext } from '../../context';
import { RunsModel } from '../../runs';
import type { Options, What } from '../../wire';
import { LaunchForm } from '../components/LaunchForm';
import { LaunchModel } from '../model';
import { aForm, anOption, aPlan, OPTIONS, trans } from './samples';

const FILE: What = { kind: 'file', path: 'a.ipynb' };
const PLANNED_MS = 400;

interface IBody {
  what: What;
  options: Options;
  confirm?: boolean;
}

/** What was sent, by route. */
let sent: { [path: string]: IBody[] };
let refusal: { status: number; json: object } | null;
let stored: { [key: string]: unknown };
let model: LaunchModel;
let context: IContext;

/** Let what was typed be planned. */
const planned = () =>
  act(async () => {
    await settle();
    jest.advanceTimersByTime(PLANNED_MS);
    await settle();
  });

function field(name: string | RegExp): HTMLInputElement {
  return screen.getByRole('textbox', { name });
}

function type(name: string | RegExp, text: string): void {
  fireEvent.change(field(name), { target: { value: text } });
}

function answer(path: string, body: unknown): { status?: number; json?: unknown } {
  (sent[path] ??= []).push(body as IBody);
  switch (path) {
    case 'form':
      return { json: aForm({ options: [...OPTIONS, anOption('priority')] }) };
    case 'plan':
      return refusal ?? { json: aPlan() };
    case 'runs':
      return { status: 201, json: { run: aRun(), grid: 'g1', runs: 2 } };
    case 'runs/r1':
      return { json: { ...aRun({ engine: 'ecs' }), spec: { timeout_s: 5400 } } };
    default:
      return { json: path.startsWith('status') ? aStatus() : aPage([]) };
  }
}

async function shown(): Promise<void> {
  model = new LaunchModel(context);
  render(
    <LaunchForm
      model={model}
      onBrowse={null}
      onCopy={jest.fn()}
      onOpen={jest.fn()}
      nameOf={() => 'train'}
      onShowSchedules={jest.fn()}
      now={() => Date.now()}
      trans={trans}
    />
  );
  await act(async () => {
    await model.prepare(FILE);
    await model.wake();
  });
  await planned();
}

beforeEach(async () => {
  jest.useFakeTimers();
  sent = {};
  refusal = null;
  stored = {};
  const api = new FlotillaApi(new FakeServer(answer).settings);
  context = {
    api,
    model: new RunsModel(api),
    app: { serviceManager: { contents: { localPath: (path: string) => path } } },
    notebooks: null,
    open: {},
    trans,
    state: {
      fetch: async (key: string) => stored[key],
      save: async (key: string, value: unknown) => {
        stored[key] = JSON.parse(JSON.stringify(value));
      }
    }
  } as unknown as IContext;
  await shown();
});

afterEach(() => {
  model.dispose();
  context.model.dispose();
  jest.useRealTimers();
});

describe('the launch form', () => {
  it('sends what was changed and a grid with its options, and says what it was', async () => {
    type(/^alpha/, '3');
    type(/^rate/, '0.1, 0.01');
    fireEvent.click(screen.getByRole('button', { name: /Several values of rate/ }));
    type('max_parallel', '1');
    type('timeout', '2h');
    await planned();
    fireEvent.click(screen.getByRole('button', { name: 'Launch' }));
    await planned();

    const options = {
      timeout: '2h',
      params: { alpha: 3 },
      grid: { rate: [0.1, 0.01] },
      max_parallel: 1
    };
    expect(sent['plan'].slice(-1)[0]).toEqual({ what: FILE, options });
    expect(sent['runs']).toEqual([{ what: FILE, options, confirm: true }]);
    expect(screen.getByRole('status').textContent).toBe(
      `Launched 2 runs, the first is ${aRun().short_id}.`
    );
  });

  it('has a field for an option that the server has newly come to know', () => {
    fireEvent.click(screen.getByRole('button', { name: 'More' }));

    expect(field('priority')).toBeTruthy();
    expect(screen.queryByRole('textbox', { name: 'image' })).toBeNull();
  });

  it('shows what is wrong beside its field, even if that is folded away', async () => {
    const json = { code: 'invalid-option', message: '--priority is no number', next: 'write 3' };
    refusal = { status: 422, json };
    type('timeout', '1h');
    await planned();

    const priority = field('priority');
    expect(priority.getAttribute('aria-invalid')).toBe('true');
    const described = priority.getAttribute('aria-describedby')?.split(' ')[0] ?? '';
    expect(document.getElementById(described)?.textContent).toBe(
      '--priority is no number → write 3'
    );
    expect(screen.queryByRole('region', { name: 'Price' })).toBeNull();
    expect(screen.getByText('Something above is wrong.')).toBeTruthy();
  });

  it('shows what is wrong with nothing in particular at the button', async () => {
    const json = { code: 'disk-full', message: 'the disk is full', next: null };
    refusal = { status: 507, json };
    type('timeout', '1h');
    await planned();

    expect(within(screen.getByRole('alert')).getByText('the disk is full')).toBeTruthy();
  });

  it('goes to a value that cannot be sent instead of launching', async () => {
    type(/^alpha/, 'many');
    await planned();
    fireEvent.click(screen.getByRole('button', { name: 'Launch' }));
    await planned();

    expect(document.activeElement).toBe(field(/^alpha/));
    expect(sent['runs']).toBeUndefined();
  });

  it('has what was typed again after a reload, for this file only', async () => {
    type(/^alpha/, '3');
    type('timeout', '2h');
    model.dispose();
    document.body.innerHTML = '';

    await shown();
    expect([field(/^alpha/).value, field('timeout').value]).toEqual(['3', '2h']);

    await act(() => model.prepare({ kind: 'file', path: 'b.ipynb' }));
    await planned();
    expect([field(/^alpha/).value, field('timeout').value]).toEqual(['', '']);
  });

  it('shows of a run what it had when it is launched again, and sends changes only', async () => {
    await act(() => model.prepare({ kind: 'retry', run: 'r1' }));
    await planned();

    const memory = () => screen.getByRole<HTMLSelectElement>('combobox', { name: 'memory' });
    expect(screen.getByRole<HTMLInputElement>('radio', { name: /^ecs/ }).checked).toBe(true);
    expect(screen.getByRole('radio', { name: /train again, run r1/ })).toBeTruthy();
    expect([field('timeout').placeholder, memory().value]).toEqual(['90m', '4096']);
    expect(sent['plan'].slice(-1)[0]).toEqual({ what: { kind: 'retry', run: 'r1' }, options: {} });

    fireEvent.change(memory(), { target: { value: '8192' } });
    await planned();
    expect(sent['plan'].slice(-1)[0].options).toEqual({ cpu: 2, memory: '8G' });
  });

  it('asks nothing while nobody looks', async () => {
    const before = sent['plan'].length;
    act(() => model.sleep());
    type('timeout', '2h');
    await planned();
    expect(sent['plan']).toHaveLength(before);

    await act(() => model.wake());
    await planned();

    expect(sent['plan'].slice(-1)[0].options).toEqual({ timeout: '2h' });
  });
});
