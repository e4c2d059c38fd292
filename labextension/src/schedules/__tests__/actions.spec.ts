import { Notification } from '@jupyterlab/apputils';
import { acceptDialog, waitForDialog } from '@jupyterlab/testing';
import { aPage, aRun, FakeServer, settle, trans } from '../../__tests__/fakes';
import { FlotillaApi } from '../../api';
import type { IContext } from '../../context';
import * as consent from '../../launch/consent';
import { RunsModel } from '../../runs';
import { ScheduleActions } from '../actions';
import { SchedulesModel } from '../model';
import { aDetail, all, aSchedule, NOW } from './samples';

const ID = 's000000000001';
const DAYS = { begin: '2026-11-01T00:00:00Z', end: '2026-11-02T00:00:00Z' };

let posted: [string, unknown][];
let refusals: { status: number; json: object }[];
let model: RunsModel;
let schedules: SchedulesModel;
let actions: ScheduleActions;
let told: jest.SpyInstance;

beforeEach(async () => {
  posted = [];
  refusals = [];
  const server = new FakeServer((path, body) => {
    if (body !== null) {
      posted.push([path.replace(`schedules/${ID}/`, ''), body]);
      const refusal = refusals.shift();
      if (refusal) {
        return refusal;
      }
    }
    if (path.endsWith('/pause')) {
      return { json: aDetail({ paused_at: NOW }) };
    }
    if (path.endsWith('/run') || path.endsWith('/rerun')) {
      return { status: 201, json: { run: aRun({ id: 'r000000000007' }), grid: null, runs: 1 } };
    }
    if (path.endsWith('/clone')) {
      return { status: 201, json: aDetail({ id: 's2', name: 'nightly-copy', paused_at: NOW }) };
    }
    return { json: path === 'schedules' ? all([aSchedule()]) : path.startsWith('sch') ? {} : aPage([]) };
  });
  const api = new FlotillaApi(server.settings);
  model = new RunsModel(api);
  const context = { api, model, trans, open: { run: jest.fn() } } as unknown as IContext;
  schedules = new SchedulesModel(context);
  actions = new ScheduleActions(context, schedules);
  await schedules.reload();
  told = jest.spyOn(Notification, 'error').mockReturnValue('');
  jest.spyOn(Notification, 'info').mockReturnValue('');
});

afterEach(() => {
  schedules.dispose();
  model.dispose();
  jest.restoreAllMocks();
});

const names = () => schedules.snapshot().schedules.map(one => one.name);

it('a schedule is paused, and shown so without waiting for news', async () => {
  await actions.togglePause(ID);

  expect(posted).toEqual([['pause', {}]]);
  expect(actions.find(ID)?.paused_at).toBe(NOW);
});

it('its job is run at once, or one of its ticks again, and the run is taken', async () => {
  const took = jest.spyOn(model, 'take');
  await actions.runNow(ID);
  await actions.rerun(ID, '2026-11-25T01:30:00Z');

  expect(posted).toEqual([
    ['run', {}],
    ['rerun', { scheduled_at: '2026-11-25T01:30:00Z' }]
  ]);
  expect(took).toHaveBeenCalledTimes(2);
});

it('what went wrong is told with what to do', async () => {
  refusals = [{ status: 404, json: { code: 'file-not-found', message: 'it is gone', next: 'look' } }];
  await actions.runNow(ID);

  expect(told).toHaveBeenCalledWith('it is gone\nlook', expect.anything());
});

it('a schedule is deleted only when that was agreed to', async () => {
  const first = actions.delete(ID);
  // Enter leaves it: nothing is lost by a key that was pressed once too often
  await acceptDialog();
  await first;
  expect([posted, names()]).toEqual([[], ['nightly']]);

  const second = actions.delete(ID);
  await waitForDialog();
  document.querySelector<HTMLElement>('.jp-Dialog .jp-mod-warn')?.click();
  await second;

  expect(posted).toEqual([['delete', {}]]);
  expect(names()).toEqual([]);
});

it('a copy has the name that was given', async () => {
  const cloned = actions.clone(ID);
  await acceptDialog();
  await cloned;

  expect(posted).toEqual([['clone', { name: 'nightly-copy' }]]);
  expect(names()).toEqual(['nightly', 'nightly-copy']);
});

it('a backfill is stopped, and what is shown is asked for anew', async () => {
  const reload = jest.spyOn(schedules, 'reload');
  await actions.stopBackfill(ID);

  expect(posted).toEqual([['backfill', { stop: true }]]);
  expect(reload).toHaveBeenCalled();
});

it.each([true, false])('a backfill that needs a consent asks for it; agreed: %s', async isAgreed => {
  refusals = [{ status: 409, json: { code: 'refused', message: 'it may cost $90', next: null } }];
  const ask = jest.spyOn(consent, 'askConsent').mockResolvedValue(isAgreed);

  const isStarted = await actions.backfill(ID, DAYS, ['it may cost $90']);
  await settle();

  expect(isStarted).toBe(isAgreed);
  expect(ask).toHaveBeenCalledWith(['it may cost $90'], trans, expect.anything());
  const tries = [{ ...DAYS, confirm: true }, { ...DAYS, confirm: false }];
  expect(posted.map(([, body]) => body)).toEqual(tries.slice(0, isAgreed ? 2 : 1));
  expect(told).not.toHaveBeenCalled();
});
