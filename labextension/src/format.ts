import type { TranslationBundle } from '@jupyterlab/translation';
import type { IRun, RunStatus } from './wire';

/** A glyph for each status; always shown beside its word. */
export const GLYPHS: { readonly [status in RunStatus]: string } = {
  QUEUED: '◷',
  PENDING: '◌',
  RUNNING: '●',
  SUCCEEDED: '✔',
  FAILED: '✖',
  CANCELLED: '■'
};

/** Return the word for a status. */
export function statusWord(status: RunStatus, trans: TranslationBundle): string {
  switch (status) {
    case 'QUEUED':
      return trans.__('queued');
    case 'PENDING':
      return trans.__('pending');
    case 'RUNNING':
      return trans.__('running');
    case 'SUCCEEDED':
      return trans.__('succeeded');
    case 'FAILED':
      return trans.__('failed');
    case 'CANCELLED':
      return trans.__('cancelled');
    default:
      return String(status).toLowerCase();
  }
}

/** Return where a run is, more exactly where that is known: `failed: out of memory`. */
export function statusText(run: IRun, trans: TranslationBundle): string {
  const word = statusWord(run.status, trans);
  if (run.status === 'FAILED' && run.failure_kind) {
    return `${word}: ${run.failure_kind.replace(/-/g, ' ')}`;
  }
  if (run.cancel_requested_at && !run.ended_at) {
    return trans.__('%1, being cancelled', word);
  }
  if (run.status === 'PENDING' && run.phase) {
    return `${word}: ${run.phase.replace(/-/g, ' ')}`;
  }
  return word;
}

/**
 * Return seconds as people read them, two units at most: `0.3s`, `2m31s`, `2h01m`, `10m`.
 *
 * One that is still growing shows whole seconds and all of its digits, so that it stands still.
 */
export function formatDuration(seconds: number, isGrowing = false): string {
  const exact = Math.max(0, seconds);
  if (exact < 10 && !isGrowing) {
    return `${exact.toFixed(1).replace('.0', '')}s`;
  }
  const whole = isGrowing ? Math.floor(exact) : Math.round(exact);
  const two = (value: number) => String(value).padStart(2, '0');
  if (whole < 60) {
    return `${whole}s`;
  }
  let text = `${Math.floor(whole / 86_400)}d${two(Math.floor(whole / 3600) % 24)}h`;
  if (whole < 3600) {
    text = `${Math.floor(whole / 60)}m${two(whole % 60)}s`;
  } else if (whole < 86_400) {
    text = `${Math.floor(whole / 3600)}h${two(Math.floor(whole / 60) % 60)}m`;
  }
  return isGrowing ? text : text.replace(/00[smh]$/, '');
}

/** Return US dollars, two significant digits and never a false zero: `$0.00`, `$0.0042`, `$12.30`. */
export function formatMoney(usd: number): string {
  if (usd > 0 && usd < 0.0001) {
    return '<$0.0001';
  }
  const rounded = usd > 0 && usd < 0.1 ? Number(usd.toPrecision(2)) : usd;
  if (rounded > 0 && rounded < 0.1) {
    return `$${rounded.toFixed(1 - Math.floor(Math.log10(rounded)))}`;
  }
  const [whole, cents] = rounded.toFixed(2).split('.');
  return `$${whole.replace(/\B(?=(\d{3})+$)/g, ',')}.${cents}`;
}

/** Return what a run has cost: `$0.02`, or `≈$0.02` where nobody pays it; nothing if unknown. */
export function formatCost(run: IRun, usd: number | null): string {
  return usd === null ? '' : `${run.is_billed ? '' : '≈'}${formatMoney(usd)}`;
}

/** Return a size given in MiB: `300 M`, `1.5 G`. */
export function formatMemory(mib: number): string {
  return mib < 1000 ? `${mib.toFixed(0)} M` : `${Number((mib / 1024).toFixed(1))} G`;
}

/** Return a size given in bytes: `812 B`, `4.2 MB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** Return a moment as a clock shows it where it is today, else its day: `10:42`, `3 Nov 10:42`. */
export function formatTime(moment: number, now: number): string {
  const date = new Date(moment);
  const clock = date.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' });
  if (date.toDateString() === new Date(now).toDateString()) {
    return clock;
  }
  const day = date.toLocaleDateString(undefined, { day: 'numeric', month: 'short' });
  return `${day} ${clock}`;
}

/** Return a whole number with its thousands apart. */
export function formatCount(count: number): string {
  return count.toLocaleString();
}

/** Return a text so that its direction, right to left or not, ends with it. */
export function isolated(text: string): string {
  return `\u2068${text}\u2069`;
}
