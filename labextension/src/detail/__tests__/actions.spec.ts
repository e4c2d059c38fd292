import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { aPage, aRun, aStatus, FakeServer, settle, trans } from '../../__tests__/fakes';
import { RunActions } from '../../actions';
import { FlotillaApi } from '../../api';
import type { IContext } from '../../context';
import { RunsModel } from '../../runs';
import type { IRunDetail, Options } from '../../wire';
import { DetailActions } from '../actions';
import { DetailModel } from '../detail_model';
import * as dialog from '../retry_dialog';

const REFUSED = { code: 'refused', message: 'it may cost $90', next: null };
const WRONG = { code: 'invalid-option', message: "'lots' is no size", next: 'write 16G' };

type Retry = { options: Options; confirm: boolean };

/** What the server says to each retry in turn. */
let answers: { status: number; json: unknown }[];
let retries: Retry[];
let actions: DetailActions;
let context: IContext;
let isFileThere: boolean;

const created = { status: 201, json: { run: aRun({ id: 'r000000000002' }) } };

beforeEach(async () => {
  answers = [created];
  retries = [];
  isFileThere = true;
  const detail = { ...aRun({ status: 'FAILED' }), suggestion: { label: '', options: { cpu: 2 } } };
  const server = new FakeServer((path, body) => {
    if (path.endsWith('/retry')) {
      retries.push(body as Retry);
      return answers.shift()!;
    }
    if (path.startsWith('runs/')) {
      return { json: detail as unknown as IRunDetail };
    }
    return { json: path.startsWith('status') ? aStatus() : aPage([]) };
  });
  const api = new FlotillaApi(server.settings);
  const model = new RunsModel(api);
  const get = async () => (isFileThere ? {} : Promise.reject(new Error('404')));
  context = {
    api,
    model,
    app: {
      serviceManager: { contents: { get } },
      commands: { execute: jest.fn() }
    } as unknown as JupyterFrontEnd,
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
  const run = new DetailModel(model, aRun().id);
  await run.refresh();
  actions = new DetailActions(context, run);
  jest.spyOn(Notification, 'error').mockImplementation(() => '');
});
afterEach(() => jest.restoreAllMocks());

describe('DetailActions', () => {
  it('retries as suggested, and opens what was launched', async () => {
    actions.retryAsSuggested();
    await settle();

    expect(retries).toEqual([{ options: { cpu: 2 }, confirm: true }]);
    expect(context.open.run).toHaveBeenCalledWith('r000000000002');
  });

  it('asks for consent where it is refused, and launches with it', async () => {
    answers = [{ status: 409, json: REFUSED }, created];
    const agree = jest.spyOn(RunActions.prototype, 'agree').mockResolvedValue(true);
    actions.retry();
    await settle();

    expect(agree.mock.calls[0][0].message).toBe('it may cost $90');
    expect(retries.map(retry => retry.confirm)).toEqual([true, false]);
    expect(context.open.run).toHaveBeenCalled();
  });

  it('launches nothing without consent', async () => {
    answers = [{ status: 409, json: REFUSED }];
    jest.spyOn(RunActions.prototype, 'agree').mockResolvedValue(false);
    actions.retry();
    await settle();

    expect(retries).toHaveLength(1);
    expect(context.open.run).not.toHaveBeenCalled();
    expect(Notification.error).not.toHaveBeenCalled();
  });

  it('asks again with what was typed and what was wrong with it', async () => {
    answers = [{ status: 422, json: WRONG }, created];
    const ask = jest
      .spyOn(dialog, 'askForChanges')
      .mockResolvedValueOnce({ memory: 'lots' })
      .mockResolvedValueOnce({ memory: '16G' });
    actions.retryWithChanges();
    await settle();

    expect(ask.mock.calls[1].slice(2)).toEqual([
      { memory: 'lots' },
      "'lots' is no size; write 16G"
    ]);
    expect(retries.map(retry => retry.options)).toEqual([{ memory: 'lots' }, { memory: '16G' }]);
  });

  it('tells what else goes wrong', async () => {
    answers = [{ status: 500, json: { code: 'internal', message: 'something', next: 'the log' } }];
    actions.retry();
    await settle();

    expect(Notification.error).toHaveBeenCalledWith('something\nthe log', expect.anything());
  });

  it('opens the file that was submitted, or says that it is gone', async () => {
    actions.openFile();
    await settle();
    expect(context.app.commands.execute).toHaveBeenCalledWith('docmanager:open', {
      path: 'train.ipynb'
    });

    isFileThere = false;
    actions.openFile();
    await settle();
    expect(context.app.commands.execute).toHaveBeenCalledTimes(1);
    expect(Notification.error).toHaveBeenCalledWith(
      'train.ipynb is no longer there.',
      expect.anything()
    );
  });
});
