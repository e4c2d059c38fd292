import { act, fireEvent, render, screen, within } from '@testing-library/react';
import { aPage, aStatus, FakeServer, settle } from '../../__tests__/fakes';
import { FlotillaApi } from '../../api';
import type { IContext } from '../../context';
import { RunsModel } from '../../runs';
import { aDetail } from '../../schedules/__tests__/samples';
import type { IScheduleDetail } from '../../wire';
import { LaunchForm } from '../components/LaunchForm';
import { LaunchModel } from '../model';
import { aForm, anEcs, anEngine, anOption, aPlan, OPTIONS, trans } from './samples';

const FILE = { kind: 'file' as const, path: 'a.ipynb' };
const UPCOMING = ['2027-03-27T02:30:00+01:00', '2027-03-28T03:00:00+02:00'];
const RULES = [
  anOption('when', { label: 'When' }),
  anOption('tz', { label: 'Time zone' }),
  anOption('start', { label: 'From' }),
  anOption('end', { label: 'Until' }),
  anOption('source', { label: 'What' }),
  anOption('where', { label: 'Started by' }),
  anOption('missed', { label: 'If missed' }),
  anOption('max_age', { name: 'max-age', label: 'Late at most' }),
  anOption('overlap', { label: 'While one runs' }),
  anOption('month_cost', { name: 'month-cost', label: 'Cost cap a month' }),
  anOption('after', { label: 'After', repeats: true })
];

interface ISent {
  [field: string]: unknown;
}

let sent: { [path: string]: ISent[] };
let answers: { [path: string]: { status?: number; json: object } };
let model: LaunchModel;
let context: IContext;
let onShowSchedules: jest.Mock;

const quiet = () =>
  act(async () => {
    await settle();
    jest.advanceTimersByTime(500);
    await settle();
  });

const field = (name: string | RegExp) => screen.getByLabelText<HTMLInputElement>(name);

async function type(name: string | RegExp, text: string): Promise<void> {
  fireEvent.change(field(name), { target: { value: text } });
  await quiet();
}

async function press(name: string): Promise<void> {
  fireEvent.click(screen.getByRole('button', { name }));
  await quiet();
}

function times(fields: object = {}): object {
  return { when_text: 'daily at 02:30 Europe/Berlin', zone: 'Europe/Berlin', upcoming: UPCOMING, ...fields };
}

function plan(): object {
  const ofMonth = { runs_a_month: 30, ceiling_a_month_usd: 1.5, waking_note: null };
  return { ...times(), ...ofMonth, plan: aPlan({ ceiling_usd: 0.05 }) };
}

function answer(path: string, body: unknown): { status?: number; json?: unknown } {
  (sent[path] ??= []).push(body as ISent);
  if (path in answers) {
    return answers[path];
  }
  if (path === 'form') {
    const engines = [anEngine(), anEcs()];
    return { json: aForm({ options: OPTIONS, schedule_options: RULES, engines }) };
  }
  if (path === 'schedules/preview') {
    return { json: times() };
  }
  if (path.endsWith('/plan')) {
    return { json: plan() };
  }
  if (path.startsWith('schedules')) {
    return { json: aDetail({ waking_note: 'nothing wakes it' }) };
  }
  return { json: path === 'plan' ? aPlan() : path.startsWith('status') ? aStatus() : aPage([]) };
}

const last = (path: string) => sent[path]?.[sent[path].length - 1];

beforeEach(async () => {
  jest.useFakeTimers({ now: Date.parse('2027-03-01T00:00:00Z') });
  sent = {};
  answers = {};
  onShowSchedules = jest.fn();
  const api = new FlotillaApi(new FakeServer(answer).settings);
  context = {
    api,
    model: new RunsModel(api),
    app: { serviceManager: { contents: { localPath: (path: string) => path } } },
    notebooks: null,
    open: {},
    trans,
    state: null
  } as unknown as IContext;
  model = new LaunchModel(context);
  render(
    <LaunchForm
      model={model}
      onBrowse={null}
      onCopy={jest.fn()}
      onOpen={jest.fn()}
      nameOf={() => null}
      onShowSchedules={onShowSchedules}
      now={() => Date.now()}
      trans={trans}
    />
  );
  await act(async () => {
    await model.prepare(FILE);
    await model.wake();
  });
  await quiet();
});

afterEach(() => {
  model.dispose();
  context.model.dispose();
  jest.useRealTimers();
});

describe('the form of a schedule', () => {
  it('keeps what was chosen, shows what its times mean and costs, and saves it', async () => {
    await type('timeout', '2h');
    await press('Schedule…');
    expect(document.activeElement).toBe(field('When'));
    expect(screen.getByText('Say when it is to run.')).toBeTruthy();
    expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Save schedule' }).disabled).toBe(true);
    await type('When', 'daily 02:30 Europe/Berlin');

    const moments = within(screen.getByRole('list', { name: 'The next runs' }));
    expect(moments.getAllByRole('listitem').map(one => one.textContent)).toEqual([
      expect.stringMatching(/02:30\+01:00$/),
      expect.stringMatching(/03:00\+02:00clocks go forward 1 h before$/)
    ]);
    expect(screen.getByRole('region', { name: 'Price' }).textContent).toContain(
      'at most $1.50 by 30 runs'
    );
    await press('Save schedule');

    const asked = {
      what: FILE,
      options: { timeout: '2h' },
      schedule: { when: 'daily 02:30 Europe/Berlin' }
    };
    expect(last('schedules/plan')).toEqual(asked);
    expect(sent['schedules']).toEqual([{ ...asked, confirm: true }]);
    const said = screen.getAllByRole('status').slice(-1)[0];
    expect(said.textContent).toContain('It runs next: Fri');
    expect(screen.getByRole('note').textContent).toBe('nothing wakes it');
    await press('Show schedules');
    expect(onShowSchedules).toHaveBeenCalled();
    expect(screen.getByRole('button', { name: 'Launch' })).toBeTruthy();
    expect(sent['runs']).toBeUndefined();
  });

  it('shows times that mean nothing at their field', async () => {
    const json = { code: 'invalid-option', message: "'dayly' says no time", next: 'write daily' };
    answers['schedules/preview'] = { status: 422, json };
    await press('Schedule…');
    await type('When', 'dayly');

    expect(field('When').getAttribute('aria-invalid')).toBe('true');
    expect(screen.getByText("'dayly' says no time")).toBeTruthy();
    expect(screen.queryByRole('list', { name: 'The next runs' })).toBeNull();
  });

  it('shows at the name that there is a schedule of it already', async () => {
    const json = { code: 'invalid-option', message: "there is a schedule 'a' already", next: null };
    await press('Schedule…');
    await type('When', 'hourly');
    answers['schedules'] = { status: 422, json };
    await press('Save schedule');

    expect(field('name').getAttribute('aria-invalid')).toBe('true');
    expect(document.activeElement).toBe(field('name'));
  });

  it('saves nothing where it is given up, and launches as before', async () => {
    await press('Schedule…');
    await type('When', 'hourly');
    await press('Cancel');
    await press('Launch');

    expect(sent['schedules']).toBeUndefined();
    expect(last('runs')).toMatchObject({ what: FILE, options: {} });
  });

  it('asks for no file of a repository here', async () => {
    await press('Schedule…');
    fireEvent.change(field('Runs it'), { target: { value: 'git' } });
    await type('Repository@branch', 'git@host:x.git@main');

    expect(last('form')).toEqual({});
    await type('When', 'hourly UTC');
    expect(last('schedules/plan')).toMatchObject({
      what: FILE,
      schedule: { source: 'git@host:x.git@main', when: 'hourly UTC' }
    });
  });
});

describe('who starts the runs', () => {
  const refused = {
    code: 'invalid-option',
    message: '--where cloud: jobs of engine process run on this machine',
    next: '--engine ecs'
  };

  beforeEach(async () => {
    await press('Schedule…');
    await type('When', 'hourly UTC');
    await press('Rules');
  });

  it('is asked only of jobs that AWS can start', async () => {
    expect(screen.queryByLabelText('Started by')).toBeNull();
    fireEvent.click(screen.getByRole('radio', { name: 'ecs' }));
    await quiet();

    const choices = field('Started by').querySelectorAll('option');
    expect([...choices].map(one => one.textContent)).toEqual([
      'This machine',
      'AWS, with everything off'
    ]);
    expect(field('Started by').value).toBe('here');
    expect(last('schedules/plan')).toMatchObject({ schedule: { when: 'hourly UTC' } });
  });

  it('is AWS without what nobody is there for, which is said, and saved so', async () => {
    fireEvent.click(screen.getByRole('radio', { name: 'ecs' }));
    await type('Cost cap a month', '5');
    await type('Started by', 'cloud');

    for (const label of ['If missed', 'While one runs', 'Cost cap a month', 'After']) {
      expect(screen.queryByLabelText(label)).toBeNull();
    }
    expect(field('Late at most').placeholder).toBe('1h');
    expect(screen.getByText(/^Nobody is there to keep these/).textContent).toContain(
      'If missed, While one runs, Cost cap a month, After.'
    );
    const sources = [...field('Runs it').querySelectorAll('option')];
    expect(sources.map(one => one.disabled)).toEqual([false, true, true]);

    answers['schedules'] = { json: aDetail({ where: 'cloud' }) };
    await press('Save schedule');
    const schedule = { when: 'hourly UTC', where: 'cloud' };
    expect(last('schedules/plan')).toMatchObject({ options: { engine: 'ecs' }, schedule });
    expect(sent['schedules']).toEqual([
      { what: FILE, options: { engine: 'ecs' }, schedule, confirm: true }
    ]);
    expect(screen.getAllByRole('status').slice(-1)[0].textContent).toMatch(
      /AWS starts it next: Fri, .*, whatever is switched off here\./
    );
    expect(screen.queryByRole('note')).toBeNull();
  });

  it('has what was typed for the rules again where it is this machine after all', async () => {
    fireEvent.click(screen.getByRole('radio', { name: 'ecs' }));
    await type('Cost cap a month', '5');
    await type('Started by', 'cloud');
    await type('Started by', 'here');

    expect(field('Cost cap a month').value).toBe('5');
    expect(last('schedules/plan')).toMatchObject({ schedule: { where: 'here', month_cost: '5' } });
  });

  it('shows at its field why AWS cannot start jobs of another engine', async () => {
    fireEvent.click(screen.getByRole('radio', { name: 'ecs' }));
    await type('Started by', 'cloud');
    answers['schedules/plan'] = { status: 422, json: refused };
    fireEvent.click(screen.getByRole('radio', { name: 'process' }));
    await quiet();

    expect(field('Started by').getAttribute('aria-invalid')).toBe('true');
    expect(screen.getByText(refused.message)).toBeTruthy();

    delete answers['schedules/plan'];
    await type('Started by', 'here');
    expect(field('Started by').getAttribute('aria-invalid')).toBeNull();
  });
});

describe('a schedule that AWS starts', () => {
  const saved = aDetail({ id: 's1', where: 'cloud', engine: 'ecs', overlap: 'allow' });

  it('opens so, and sends who starts it only where that was changed', async () => {
    answers['schedules/s1'] = { json: saved };
    await act(() => model.edit('s1'));
    await quiet();
    expect(field('Started by').value).toBe('cloud');

    await type('When', 'hourly');
    await press('Save changes');
    expect(last('schedules/s1/edit')).toMatchObject({ options: {}, schedule: { when: 'hourly' } });

    await act(() => model.edit('s1'));
    await quiet();
    await type('Started by', 'here');
    await press('Save changes');
    expect(last('schedules/s1/edit')).toMatchObject({ options: {}, schedule: { where: 'here' } });
  });

  it('is saved also where AWS could not be told, which is said', async () => {
    answers['schedules/s1'] = { json: saved };
    await act(() => model.edit('s1'));
    await quiet();
    await type('When', 'hourly');
    const message =
      'schedule nightly is saved as revision 2, but AWS still has the one before: no network';
    answers['schedules/s1/edit'] = { status: 409, json: { code: 'cloud-behind', message, next: null } };
    await press('Save changes');
    expect(screen.getByRole('alert').textContent).toBe(message);

    answers['schedules/s1'] = { json: { ...saved, revision: 2, is_placed: false } };
    await press('Save changes');
    expect(screen.getAllByRole('status').slice(-1)[0].textContent).toContain('Saved the changes');
    expect(screen.getByRole('note').textContent).toBe(message);
  });
});

describe('a schedule that is edited', () => {
  const saved = aDetail({ id: 's1', options: { params: { alpha: 7 } } });
  const changed: IScheduleDetail = { ...saved, revision: 2, edited_by: 'bob', month_usd: 3 };
  const conflict = {
    status: 409,
    json: { code: 'schedule-changed', message: 'nightly was changed by bob', next: null }
  };

  beforeEach(async () => {
    answers['schedules/s1'] = { json: saved };
    await act(() => model.edit('s1'));
    await quiet();
  });

  it('opens filled, and sends what was changed with the revision that was seen', async () => {
    expect(screen.getByRole<HTMLInputElement>('radio', { name: 'nightly as it was saved' }).checked).toBe(true);
    expect([field('When').value, field('Time zone').value]).toEqual(['daily at 02:30', 'Europe/Berlin']);
    expect(field(/^alpha/).placeholder).toBe('7');
    expect(last('form')).toEqual({ what: { kind: 'file', path: 'nightly.ipynb' } });
    await type('When', 'hourly');
    await press('Save changes');

    const asked = { what: null, options: {}, schedule: { when: 'hourly' } };
    expect(last('schedules/s1/plan')).toEqual(asked);
    expect(sent['schedules/s1/edit']).toEqual([{ ...asked, revision: 1, confirm: true }]);
    expect(screen.getAllByRole('status').slice(-1)[0].textContent).toContain('Saved the changes');
  });

  it('tells a conflict with what was changed, and keeps what was typed', async () => {
    await type('When', 'hourly');
    answers['schedules/s1'] = { json: changed };
    answers['schedules/s1/edit'] = conflict;
    await press('Save changes');

    const note = screen.getByRole('alert');
    expect(note.textContent).toContain('nightly was changed by bob');
    expect(within(note).getByRole('listitem').textContent).toBe('Cost cap a month: – → 3');
    expect(field('When').value).toBe('hourly');

    delete answers['schedules/s1/edit'];
    await press('Keep my changes on top');
    await press('Save changes');
    expect(last('schedules/s1/edit')).toMatchObject({
      revision: 2,
      schedule: { when: 'hourly' }
    });
  });

  it('is what was saved again when what was typed is reset, and no more when one launches', async () => {
    await type('When', 'hourly');
    await type('timeout', '1h');
    await press('Reset');
    expect([field('When').value, field('timeout').value]).toEqual(['daily at 02:30', '']);

    await act(() => model.prepare(FILE));
    await quiet();
    expect(screen.queryByLabelText('When')).toBeNull();
    await press('Launch');
    expect(sent['schedules/s1/edit']).toBeUndefined();
    expect(last('runs')).toMatchObject({ what: FILE, options: {} });
  });

  it('loads what somebody else has saved where that is wished', async () => {
    await type('When', 'hourly');
    await type('timeout', '1h');
    answers['schedules/s1'] = { json: { ...changed, when_text: 'weekly UTC', zone: 'UTC' } };
    answers['schedules/s1/edit'] = conflict;
    await press('Save changes');
    await press('Load theirs');

    expect([field('When').value, field('timeout').value]).toEqual(['weekly', '']);
    expect(screen.queryByRole('alert')).toBeNull();
  });
});
