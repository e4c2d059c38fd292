/** Schedules and their ticks, as tests need them. */
import type { ISchedule, IScheduleDetail, ISchedules, ITick } from '../../wire';

export const NOW = '2026-11-26T10:00:00.000000Z';

export function aTick(fields: Partial<ITick> = {}): ITick {
  return {
    scheduled_at: '2026-11-26T01:30:00.000000Z',
    status: 'MADE',
    trigger: 'time',
    reason: null,
    count: 1,
    first_at: null,
    run_id: 'r000000000001',
    run_status: 'SUCCEEDED',
    failure_kind: null,
    lag_s: 0.2,
    duration_s: 240,
    revision: null,
    author: null,
    ...fields
  };
}

export function aSchedule(fields: Partial<ISchedule> = {}): ISchedule {
  return {
    id: 's000000000001',
    name: 'nightly',
    owner: 'ada',
    created_at: NOW,
    revision: 1,
    edited_at: NOW,
    edited_by: 'ada',
    host: 'here',
    paused_at: null,
    is_over: false,
    next_at: '2026-11-27T01:30:00.000000Z',
    kind: 'cron',
    when_text: 'daily at 02:30 Europe/Berlin',
    zone: 'Europe/Berlin',
    starts_at: null,
    ends_at: null,
    what_text: 'nightly.ipynb as it was saved',
    source: 'snapshot',
    notebook: 'nightly.ipynb',
    engine: 'process',
    place: 'here',
    where: 'here',
    is_placed: true,
    missed: 'last',
    max_age_s: null,
    overlap: 'skip',
    month_usd: null,
    after: [],
    upcoming: ['2026-11-27T02:30:00+01:00'],
    latest: aTick(),
    ...fields
  };
}

export function aDetail(fields: Partial<IScheduleDetail> = {}): IScheduleDetail {
  return {
    ...aSchedule(),
    history: [aTick()],
    backfill_waits: 0,
    options: { engine: 'process' },
    waking_note: null,
    ...fields
  };
}

export function all(schedules: ISchedule[], note: string | null = null): ISchedules {
  return { schedules, waking_note: note, now: NOW };
}
