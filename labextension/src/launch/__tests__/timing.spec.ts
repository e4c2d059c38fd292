import { aDetail } from '../../schedules/__tests__/samples';
import type { IScheduleDetail } from '../../wire';
import { differences } from '../differences';
import { schedulable } from '../subject';
import type { ITiming } from '../timing';
import {
  formOfSaved,
  isTimed,
  NEW_TIMING,
  sentTiming,
  timesAsked,
  timingOf,
  withField,
  withoutGrid
} from '../timing';
import { aForm, anOption, aParameter, OPTIONS, trans } from './samples';

const HERE = 'Asia/Kathmandu';

const typed = (fields: { [keyword: string]: string }, from = NEW_TIMING): ITiming =>
  Object.entries(fields).reduce((timing, [name, text]) => withField(timing, name, text), from);

describe('a new schedule', () => {
  it.each([
    [{ when: 'daily 07:00' }, { when: 'daily 07:00', tz: HERE }],
    [{ when: 'daily 07:00', tz: 'UTC' }, { when: 'daily 07:00', tz: 'UTC' }],
    [{ when: 'weekdays 07:00 Europe/Berlin' }, { when: 'weekdays 07:00 Europe/Berlin' }],
    [{ when: 'hourly utc' }, { when: 'hourly utc' }],
    [{ when: '  ', after: 'etl\nload' }, { after: ['etl', 'load'] }],
    [
      { when: 'hourly', end: ' 2027-01-01 ', source: '', missed: 'all' },
      { when: 'hourly', end: '2027-01-01', missed: 'all', tz: HERE }
    ]
  ])('%j is sent as what it means', (fields, sent) => {
    expect(sentTiming(typed(fields), HERE)).toEqual(sent);
  });

  it('asks what its times mean in the zone that is sent', () => {
    expect(timesAsked(typed({ when: '30 2 * * *', start: '2027-01-01' }), HERE)).toEqual({
      when: '30 2 * * *',
      tz: HERE,
      start: '2027-01-01'
    });
    expect(timesAsked(typed({ after: 'etl' }), HERE)).toBeNull();
  });
});

describe('a schedule that is edited', () => {
  const saved = aDetail({
    when_text: 'daily at 02:30 Europe/Berlin, from 2027-01-01 00:00, until 2027-12-31 23:59:59',
    starts_at: '2026-12-31T23:00:00Z',
    ends_at: '2027-12-31T22:59:59Z',
    month_usd: 5,
    max_age_s: 43200
  });
  const timing = timingOf(saved);

  it('begins with what was saved, and sends nothing of it', () => {
    expect(timing.fields).toEqual({
      when: 'daily at 02:30',
      tz: 'Europe/Berlin',
      start: '2027-01-01',
      end: '2027-12-31',
      source: 'snapshot',
      where: 'here',
      missed: 'last',
      max_age: '12h',
      overlap: 'skip',
      month_cost: '5',
      after: ''
    });
    expect(sentTiming(timing, HERE)).toEqual({});
    expect(timesAsked(timing, HERE)).toBeNull();
  });

  it.each([
    [{ when: 'hourly' }, { when: 'hourly' }],
    [{ tz: 'UTC' }, { tz: 'UTC' }],
    [{ end: '', month_cost: ' ', max_age: '' }, { end: 'none', month_cost: 'none', max_age: 'none' }],
    [{ missed: '', overlap: 'queue' }, { missed: 'last', overlap: 'queue' }],
    [{ when: '', after: 'etl' }, { after: ['etl'] }]
  ])('sends only what was changed: %j', (fields, sent) => {
    expect(sentTiming(typed(fields, timing), HERE)).toEqual(sent);
  });

  it('asks what changed times mean with its own zone and limits', () => {
    expect(timesAsked(typed({ when: 'hourly' }, timing), HERE)).toEqual({
      when: 'hourly',
      tz: 'Europe/Berlin',
      start: '2027-01-01',
      end: '2027-12-31'
    });
  });

  it('is shown with its repository', () => {
    const what_text = 'a.ipynb as git@host:team/x.git@main has it at the tick';
    const ofGit = timingOf(aDetail({ source: 'git', what_text }));

    expect(ofGit.fields.source).toBe('git@host:team/x.git@main');
  });

  it('has what was saved in the form, where nobody types anything', () => {
    const options = [
      ...OPTIONS.filter(({ keyword }) => keyword !== 'timeout'),
      anOption('timeout', { field: 'timeout_s' }),
      anOption('tags')
    ];
    const form = formOfSaved(
      aForm({ options, parameters: [aParameter('alpha', 'int', 1)] }),
      aDetail({
        engine: 'ecs',
        options: { timeout_s: 5400, params: { alpha: 3 }, tags: { team: 'x' } }
      })
    );

    expect(form.defaults['engine'].value).toBe('ecs');
    expect(form.defaults['timeout']).toEqual({ value: '90m', source: 'nightly' });
    expect(form.defaults['tags'].value).toEqual(['team=x']);
    expect(form.parameters?.[0]).toMatchObject({ default: 3, default_text: '3' });
  });
});

describe('a schedule that the cloud starts', () => {
  const rules = { missed: 'all', overlap: 'queue', month_cost: '5', after: 'etl' };

  it('is sent without the rules that nobody could keep there, which are back where it is not', () => {
    const cloud = typed({ when: 'hourly UTC', where: 'cloud', max_age: '2h', ...rules });

    const sent = { when: 'hourly UTC', where: 'cloud', max_age: '2h' };
    expect(sentTiming(cloud, HERE)).toEqual(sent);
    expect(sentTiming(withField(cloud, 'where', 'here'), HERE)).toMatchObject({
      where: 'here',
      missed: 'all',
      month_cost: '5',
      after: ['etl']
    });
  });

  it('runs by the clock alone', () => {
    expect(isTimed(typed({ after: 'etl', where: 'cloud' }))).toBe(false);
    expect(isTimed(typed({ when: 'hourly', where: 'cloud' }))).toBe(true);
  });

  it.each([
    [{}, {}],
    [{ missed: 'all', overlap: 'skip' }, {}],
    [{ overlap: 'allow' }, {}],
    [{ overlap: 'queue' }, { overlap: 'allow' }],
    [{ month_usd: 5 }, { month_cost: 'none' }]
  ] as [Partial<IScheduleDetail>, object][])('of one with %j takes back %j', (saved, takenBack) => {
    const edited = typed({ where: 'cloud' }, timingOf(aDetail(saved)));

    expect(sentTiming(edited, HERE)).toEqual({ where: 'cloud', ...takenBack });
  });

  it('of one that ran after others takes that back with new times', () => {
    const after = timingOf(aDetail({ kind: 'after', when_text: 'after etl', after: ['etl'] }));

    expect(sentTiming(typed({ where: 'cloud', when: 'hourly' }, after), HERE)).toEqual({
      where: 'cloud',
      when: 'hourly',
      after: ['none']
    });
  });

  it('sends nothing of an edit that changes nothing, and can be brought back', () => {
    const timing = timingOf(aDetail({ where: 'cloud', overlap: 'allow' }));

    expect(timing.fields.where).toBe('cloud');
    expect(sentTiming(timing, HERE)).toEqual({});
    expect(sentTiming(typed({ where: 'here' }, timing), HERE)).toEqual({ where: 'here' });
  });

  it('is told apart from one that runs here', () => {
    const cloud = aDetail({ where: 'cloud' });

    expect(differences(aDetail(), cloud, OPTIONS, trans)).toEqual([
      { label: 'Started by', was: 'this machine', is: 'AWS' }
    ]);
  });
});

describe('what is scheduled', () => {
  const notebook = { path: 'a.ipynb', isDirty: false, cells: 1 };
  const subject = { choice: 'cells' as const, notebook, file: '', given: null };

  it('are files, not cells or runs again', () => {
    expect(schedulable(subject).choice).toBe('notebook');
    const again = { ...subject, choice: 'given' as const, given: { kind: 'retry' as const, run: 'r1' } };
    expect(schedulable(again)).toMatchObject({ choice: 'notebook', given: null });
    expect(schedulable({ ...subject, notebook: { ...notebook, path: '' } }).choice).toBe('file');
  });

  it('is no grid', () => {
    const read = withoutGrid({ params: { a: 1 }, grid: { b: [1, 2] }, problems: {} }, trans);

    expect(read).toMatchObject({ grid: {}, problems: { b: expect.stringContaining('no grid') } });
  });
});

describe('differences', () => {
  it('are what somebody else has changed, options too', () => {
    const before = aDetail({ options: { retries: 1, env: { A: 'b' } } });
    const after = aDetail({
      when_text: 'hourly UTC',
      paused_at: '2026-11-26T10:00:00Z',
      revision: 2,
      options: { timeout_s: 1200, retries: 2, env: { A: 'b' } }
    });

    const options = [anOption('timeout', { field: 'timeout_s', label: 'Timeout' })];
    expect(differences(before, after, options, trans)).toEqual([
      { label: 'When', was: 'daily at 02:30 Europe/Berlin', is: 'hourly UTC' },
      { label: 'State', was: 'it goes on', is: 'paused' },
      { label: 'retries', was: '1', is: '2' },
      { label: 'Timeout', was: '', is: '20m' }
    ]);
    expect(differences(before, before, options, trans)).toEqual([]);
  });
});
