import { trans } from '../../__tests__/fakes';
import {
  exactText,
  fieldText,
  momentsOf,
  nearText,
  offsetMin,
  readField,
  shiftText,
  untilText
} from '../moments';
import { outcomeOf, plainWhen } from '../words';
import { aSchedule, aTick } from './samples';

const BERLIN = 'Europe/Berlin';
const at = (iso: string) => Date.parse(iso);

describe('momentsOf', () => {
  it('marks where clocks change, also before the first one', () => {
    const upcoming = [
      '2027-03-27T02:30:00+01:00',
      '2027-03-28T03:00:00+02:00',
      '2027-03-29T02:30:00+02:00'
    ];

    const winter = momentsOf(upcoming, BERLIN, at('2027-03-01T00:00:00Z'));
    const summer = momentsOf(['2027-11-01T02:30:00+01:00'], BERLIN, at('2027-07-01T00:00:00Z'));

    expect(winter.map(one => [one.clock, one.offset, one.shiftMin])).toEqual([
      ['02:30', '+01:00', 0],
      ['03:00', '+02:00', 60],
      ['02:30', '+02:00', 0]
    ]);
    expect(summer[0].shiftMin).toBe(-60);
  });

  it('shows seconds where there are any, and leaves out what is no moment', () => {
    const shown = momentsOf(['2026-11-26T10:00:05+00:00', '<img>'], 'UTC', at('2026-11-26T00:00Z'));

    expect(shown.map(one => one.clock)).toEqual(['10:00:05']);
  });
});

it.each([
  [60, 'clocks go forward 1 h before'],
  [-30, 'clocks go back 30 min before'],
  [0, '']
])('a shift by %i minutes is said', (minutes, text) => {
  expect(shiftText(minutes, trans)).toBe(text);
});

it.each([
  ['Europe/Berlin', '2026-07-01T00:00:00Z', 120],
  ['Asia/Kathmandu', '2026-07-01T00:00:00Z', 345],
  ['America/New_York', '2026-12-01T00:00:00Z', -300],
  ['Australia/Lord_Howe', '2026-07-01T00:00:00Z', 630],
  ['Mars/Base', '2026-07-01T00:00:00Z', 0]
])('the offset of %s is known', (zone, moment, minutes) => {
  expect(offsetMin(zone, at(moment))).toBe(minutes);
});

describe('moments in words', () => {
  const now = at('2026-11-26T10:00:00Z');

  it('are of the zone of the schedule', () => {
    expect(nearText(at('2026-11-26T11:30:00Z'), now, BERLIN)).toBe('12:30');
    expect(nearText(at('2026-11-27T01:30:00Z'), now, BERLIN)).toBe('Fri 02:30');
    expect(nearText(at('2027-03-01T01:30:00Z'), now, BERLIN)).toMatch(/Mar.* 02:30$/);
    expect(exactText(at('2026-11-27T01:30:00Z'), BERLIN)).toMatch(/2026 02:30 Europe\/Berlin$/);
  });

  it.each([
    ['2026-11-26T10:00:20Z', 'in less than a minute'],
    ['2026-11-26T10:12:00Z', 'in 12 min'],
    ['2026-11-26T15:00:00Z', 'in 5 h'],
    ['2026-11-30T10:00:00Z', 'in 4 days'],
    ['2026-11-26T09:00:00Z', 'now']
  ])('%s is %s', (moment, text) => {
    expect(untilText(at(moment), now, trans)).toBe(text);
  });
});

describe('fields of date and time', () => {
  it.each(['2026-11-26T10:00', '2027-03-28T01:59', '2027-03-28T03:00', '2027-10-31T03:00'])(
    'mean %s by the clocks of a zone, and show it again',
    text => {
      const read = readField(text, BERLIN);

      expect(fieldText(at(read ?? ''), BERLIN)).toBe(text);
    }
  );

  it.each(['', '2026-11', 'now'])('mean nothing where there is %j', text => {
    expect(readField(text, BERLIN)).toBeNull();
  });
});

describe('plainWhen', () => {
  it.each([
    ['daily at 02:30 Europe/Berlin', 'daily at 02:30'],
    ['daily at 02:30 Europe/Berlin, from 2027-01-01 00:00', 'daily at 02:30'],
    ['hourly Europe/Berlin, from 2027-01-01 00:00, until 2027-02-01 23:59:59', 'hourly'],
    ['every 15 minutes', 'every 15 minutes'],
    ['cron 5 4 * * 1,3 Europe/Berlin (at 04:05 on monday)', 'cron 5 4 * * 1,3'],
    ['once 2027-01-31 09:00 Europe/Berlin', 'once 2027-01-31 09:00']
  ])('of %s is what stands in the field', (when_text, plain) => {
    expect(plainWhen(aSchedule({ when_text }))).toBe(plain);
  });

  it('is empty of what runs after others', () => {
    expect(plainWhen(aSchedule({ kind: 'after', when_text: 'after etl' }))).toBe('');
  });
});

describe('outcomeOf', () => {
  it.each([
    [aTick(), 'succeeded', '4m'],
    [aTick({ run_status: 'FAILED', failure_kind: 'out-of-memory' }), 'failed: out of memory', '4m'],
    [aTick({ status: 'MISSED', count: 7, run_status: null, duration_s: null }), '7 missed', ''],
    [aTick({ status: 'FAILED', run_status: null, duration_s: null }), 'could not run', ''],
    [aTick({ run_status: null, duration_s: null }), 'its run is gone', '']
  ])('%#: says what became of a tick', (tick, word, took) => {
    expect(outcomeOf(tick, undefined, trans)).toMatchObject({ word, took });
  });
});
