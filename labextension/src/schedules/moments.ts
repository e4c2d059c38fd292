import type { TranslationBundle } from '@jupyterlab/translation';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** What the server sends of the future: wall clock and offset of the zone. */
const ISO = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2})(:\d{2})?(?:\.\d+)?(?:Z|([+-])(\d{2}):(\d{2}).*)$/;

/** A moment as the clocks of its zone show it. */
export interface IMoment {
  /** As the server sent it. */
  iso: string;
  /** `Mon 29 Mar 2027`, in the words of the browser. */
  day: string;
  /** `02:30`, with seconds where there are any. */
  clock: string;
  /** `+02:00` */
  offset: string;
  /** Minutes that clocks were put forward since the moment before; negative: back. */
  shiftMin: number;
}

function dayText(ms: number): string {
  return new Date(ms).toLocaleDateString(undefined, {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    timeZone: 'UTC'
  });
}

/** Return a formatter of a zone; of one that the browser does not know, of UTC. */
function formatter(zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-GB', { ...options, timeZone: zone });
  } catch {
    return new Intl.DateTimeFormat('en-GB', { ...options, timeZone: 'UTC' });
  }
}

/** Return how many minutes the clocks of a zone are before UTC at a moment. */
export function offsetMin(zone: string, at: number): number {
  const parts = formatter(zone, {
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23'
  }).formatToParts(at);
  const part = (type: string) => Number(parts.find(one => one.type === type)?.value);
  const wall = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'));
  return Math.round((wall - Math.floor(at / MINUTE_MS) * MINUTE_MS) / MINUTE_MS);
}

/** Return moments as they read, each with what clocks were changed by since the one before. */
export function momentsOf(upcoming: readonly string[], zone: string, now: number): IMoment[] {
  let before = offsetMin(zone, now);
  return upcoming.flatMap(iso => {
    const found = ISO.exec(iso);
    if (found === null) {
      return [];
    }
    const [, date, clock, seconds, sign, hours, minutes] = found;
    const offset = sign ? Number(`${sign}1`) * (Number(hours) * 60 + Number(minutes)) : 0;
    const shiftMin = offset - before;
    before = offset;
    return [
      {
        iso,
        day: dayText(Date.parse(`${date}T00:00:00Z`)),
        clock: clock + (seconds && seconds !== ':00' ? seconds : ''),
        offset: sign ? `${sign}${hours}:${minutes}` : 'UTC',
        shiftMin
      }
    ];
  });
}

/** Return in words that clocks change; empty: they do not. */
export function shiftText(shiftMin: number, trans: TranslationBundle): string {
  if (shiftMin === 0) {
    return '';
  }
  const size = Math.abs(shiftMin);
  const much = size % 60 === 0 ? trans.__('%1 h', size / 60) : trans.__('%1 min', size);
  return shiftMin > 0
    ? trans.__('clocks go forward %1 before', much)
    : trans.__('clocks go back %1 before', much);
}

/** Return a moment by the clocks of a zone: `02:30` today, `Fri 02:30` this week, else its date. */
export function nearText(at: number, now: number, zone: string): string {
  const dayOf = (ms: number) => Math.floor((ms + offsetMin(zone, ms) * MINUTE_MS) / DAY_MS);
  const clock = formatter(zone, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  const days = dayOf(at) - dayOf(now);
  const wall = new Date(at + offsetMin(zone, at) * MINUTE_MS);
  if (days === 0) {
    return clock.format(at);
  }
  const options: Intl.DateTimeFormatOptions =
    days > 0 && days < 7 ? { weekday: 'short' } : { day: 'numeric', month: 'short' };
  return `${wall.toLocaleDateString(undefined, { ...options, timeZone: 'UTC' })} ${clock.format(at)}`;
}

/** Return a moment in full, by the clocks of a zone: `Fri, 27 Nov 2026 02:30 Europe/Berlin`. */
export function exactText(at: number, zone: string): string {
  const wall = at + offsetMin(zone, at) * MINUTE_MS;
  const clock = new Date(wall).toISOString().slice(11, 19).replace(/:00$/, '');
  return `${dayText(wall)} ${clock} ${zone}`;
}

/** Return how far off a moment is: `in 12 min`, `in 5 h`, `in 3 days`, `now`. */
export function untilText(at: number, now: number, trans: TranslationBundle): string {
  const minutes = Math.round((at - now) / MINUTE_MS);
  if (minutes < 1) {
    return at - now > 0 ? trans.__('in less than a minute') : trans.__('now');
  }
  if (minutes < 60) {
    return trans.__('in %1 min', minutes);
  }
  const hours = Math.round(minutes / 60);
  if (hours < 48) {
    return trans.__('in %1 h', hours);
  }
  return trans.__('in %1 days', Math.round(hours / 24));
}

/** Return a moment as a field of date and time has it, by the clocks of a zone. */
export function fieldText(at: number, zone: string): string {
  return new Date(at + offsetMin(zone, at) * MINUTE_MS).toISOString().slice(0, 16);
}

/** Return the moment that a field of date and time means there; null: it is empty. */
export function readField(text: string, zone: string): string | null {
  const wall = Date.parse(`${text}Z`);
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/.test(text) || Number.isNaN(wall)) {
    return null;
  }
  // the offset is that of the moment, which is not known yet: the second try has it
  const near = wall - offsetMin(zone, wall) * MINUTE_MS;
  return new Date(wall - offsetMin(zone, near) * MINUTE_MS).toISOString();
}
