import type { TranslationBundle } from '@jupyterlab/translation';
import { offsetMin } from '../schedules/moments';
import { plainWhen } from '../schedules/words';
import type { IForm, IScheduleDetail, ITimesAsked, Json, Options } from '../wire';
import type { IReadParameters } from './parameters';
import { durationText } from './retry';
import { sizeText } from './sizes';
import { feasible } from './started_by';

/** When something runs, and by which rules, as it stands in the fields. */
export interface ITiming {
  /** Texts by the keywords of the options; what is not there is empty. */
  fields: { readonly [keyword: string]: string };
  /** What the fields of one that is edited began with. */
  begun: { readonly [keyword: string]: string };
  /** The schedule that is edited, as it was seen; null: it is a new one. */
  edited: IScheduleDetail | null;
}

export const NEW_TIMING: ITiming = { fields: {}, begun: {}, edited: null };

/** What takes a value back: by itself, or by the word for what it is without it. */
const TAKEN_BACK: { readonly [keyword: string]: string } = {
  start: 'none',
  end: 'none',
  max_age: 'none',
  month_cost: 'none',
  after: 'none',
  missed: 'last',
  overlap: 'skip',
  source: 'snapshot',
  where: 'here'
};
const TIMES = ['when', 'tz', 'start', 'end'] as const;
const MINUTE_MS = 60_000;
/** A time zone at the end of words that say when. */
const NAMED_ZONE = /\s(?:UTC|GMT|[A-Za-z_+-]+(?:\/[A-Za-z0-9_+-]+)+)$/i;

/** Times that are often wanted, as they are written. */
export const PRESETS: readonly string[] = [
  'weekdays 07:00',
  'daily 02:30',
  'hourly',
  'every 15 minutes',
  'mondays 09:00',
  'monthly on day 1 at 06:00'
];

/** Return the browser's time zone. */
export function zoneHere(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
}

/** Return all time zones that the browser knows. */
export function zones(): readonly string[] {
  const known = Intl as unknown as { supportedValuesOf?: (key: string) => string[] };
  return known.supportedValuesOf?.('timeZone') ?? [zoneHere(), 'UTC'];
}

/** Return a moment as its field has it: a date where it is the begin, or the end, of a day. */
function dateText(at: string | null, zone: string, edge: string): string {
  if (at === null) {
    return '';
  }
  const ms = Date.parse(at);
  const local = new Date(ms + offsetMin(zone, ms) * MINUTE_MS).toISOString();
  const clock = local.slice(11, 19);
  return clock === edge ? local.slice(0, 10) : `${local.slice(0, 10)} ${clock.replace(/:00$/, '')}`;
}

/** Return a saved schedule as it stands in the fields. */
export function timingOf(saved: IScheduleDetail): ITiming {
  const { zone, starts_at, ends_at, max_age_s, month_usd } = saved;
  const begun: { [keyword: string]: string } = {
    when: plainWhen(saved),
    tz: zone,
    start: dateText(starts_at, zone, '00:00:00'),
    end: dateText(ends_at, zone, '23:59:59'),
    source: saved.source === 'git' ? gitSource(saved) : saved.source,
    where: saved.where,
    missed: saved.missed,
    max_age: max_age_s === null ? '' : durationText(max_age_s),
    overlap: saved.overlap,
    month_cost: month_usd === null ? '' : String(month_usd),
    after: saved.after.join('\n')
  };
  return { fields: begun, begun, edited: saved };
}

/** Return `REPO@REF`, which the server says in the words for what it runs. */
function gitSource({ what_text }: IScheduleDetail): string {
  return / as (\S+@\S+) has it at the tick$/.exec(what_text)?.[1] ?? 'git';
}

/** Return the timing with one field changed. */
export function withField(timing: ITiming, keyword: string, text: string): ITiming {
  return { ...timing, fields: { ...timing.fields, [keyword]: text } };
}

/** Return the text of a field. */
export function textOf({ fields }: ITiming, keyword: string): string {
  return fields[keyword] ?? '';
}

function isChanged(timing: ITiming, keyword: string): boolean {
  return textOf(timing, keyword).trim() !== (timing.begun[keyword] ?? '').trim();
}

/** Return the zone that goes with the words; undefined: they name one, or there are none. */
function zoneOf(timing: ITiming, here: string): string | undefined {
  const when = textOf(timing, 'when').trim();
  const chosen = textOf(timing, 'tz').trim();
  const isNamed = NAMED_ZONE.test(when);
  const isOwn = chosen !== '' && (timing.edited === null || isChanged(timing, 'tz'));
  return isOwn ? chosen : isNamed || when === '' ? undefined : chosen || here;
}

/** Say whether anything was typed that says when, or by which rules. */
export function isTyped(timing: ITiming): boolean {
  return Object.keys(timing.fields).some(keyword => isChanged(timing, keyword));
}

/** Say whether anything says when it runs. */
export function isTimed(timing: ITiming): boolean {
  return ['when', 'after'].some(keyword => textOf(feasible(timing), keyword).trim() !== '');
}

/** Return what is sent of the fields: of an edit only what was changed. */
export function sentTiming(typed: ITiming, here = zoneHere()): Options {
  const timing = feasible(typed);
  const sent: Options = {};
  for (const keyword of Object.keys(timing.fields)) {
    const text = textOf(timing, keyword).trim();
    if (keyword === 'tz' || !isChanged(timing, keyword)) {
      continue;
    }
    const value = text || TAKEN_BACK[keyword];
    if (value !== undefined) {
      sent[keyword] = keyword === 'after' ? value.split('\n').map(one => one.trim()) : value;
    }
  }
  const zone = zoneOf(timing, here);
  if (zone !== undefined && (timing.edited === null || isChanged(timing, 'tz'))) {
    sent.tz = zone;
  }
  return sent;
}

/** Return what is asked to show the next moments; null: they are known, or there are none. */
export function timesAsked(timing: ITiming, here = zoneHere()): ITimesAsked | null {
  const when = textOf(timing, 'when').trim();
  if (when === '' || (timing.edited && !TIMES.some(keyword => isChanged(timing, keyword)))) {
    return null;
  }
  const asked: ITimesAsked = { when };
  const zone = zoneOf(timing, here);
  if (zone !== undefined) {
    asked.tz = zone;
  }
  for (const limit of ['start', 'end'] as const) {
    const text = textOf(timing, limit).trim();
    if (text) {
      asked[limit] = text;
    }
  }
  return asked;
}

/** Return parameters of what runs again and again: it runs no grid. */
export function withoutGrid(read: IReadParameters, trans: TranslationBundle): IReadParameters {
  const problems = Object.keys(read.grid).map(name => [
    name,
    trans.__('A schedule runs no grid: give one value.')
  ]);
  return { ...read, grid: {}, problems: { ...Object.fromEntries(problems), ...read.problems } };
}

/** Return the saved value of an option as people write it. */
export function savedText(field: string, value: Json): Json {
  switch (field) {
    case 'timeout_s':
      return typeof value === 'number' ? durationText(value) : value;
    case 'memory_mib':
      return typeof value === 'number' ? sizeText(value) : value;
    case 'disk_gib':
      return value === null ? null : `${String(value)}G`;
    default:
      break;
  }
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
    return Object.entries(value).map(([name, one]) => (one === null ? name : `${name}=${String(one)}`));
  }
  return value;
}

/** Return a form in which what was saved is what stays where nobody changes it. */
export function formOfSaved(form: IForm, saved: IScheduleDetail): IForm {
  const defaults: { [keyword: string]: IForm['defaults'][string] } = {};
  const source = saved.name;
  for (const { field, keyword } of form.options) {
    const stored = saved.options[field] ?? null;
    if (stored !== null && field !== 'params') {
      const value = savedText(field, stored);
      defaults[keyword] = { value, source };
    }
  }
  defaults.name = { value: saved.name, source };
  defaults.engine = { value: saved.engine, source };
  const params = (saved.options.params ?? {}) as { [name: string]: Json };
  return {
    ...form,
    defaults,
    parameters:
      form.parameters?.map(one =>
        one.name in params
          ? { ...one, default: params[one.name], default_text: JSON.stringify(params[one.name]) }
          : one
      ) ?? null
  };
}
