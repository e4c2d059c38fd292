import type { TranslationBundle } from '@jupyterlab/translation';
import { formatDuration, GLYPHS, statusWord } from '../format';
import type { IRun, ISchedule, ITick, RunStatus } from '../wire';

/** What became of a tick, as it is shown. */
export interface IOutcome {
  /** Null: there is no run. */
  status: RunStatus | null;
  glyph: string;
  /** `failed: out of memory`, `skipped` */
  word: string;
  /** `4m`; empty where there is none yet. */
  took: string;
}

function tickWord(tick: ITick, trans: TranslationBundle): string {
  switch (tick.status) {
    case 'AWAITED':
      return trans.__('awaited');
    case 'WAITING':
      return trans.__('waits for the run before it');
    case 'SKIPPED':
      return trans.__('skipped');
    case 'MISSED':
      return tick.count > 1 ? trans.__('%1 missed', tick.count) : trans.__('missed');
    case 'FAILED':
      return trans.__('could not run');
    default:
      return trans.__('its run is gone');
  }
}

const TICK_GLYPHS: { readonly [status in ITick['status']]: string } = {
  MADE: '–',
  WAITING: '◷',
  AWAITED: '◷',
  SKIPPED: '⤼',
  MISSED: '○',
  FAILED: '✖'
};

/** Return what became of a tick: of its run, as that is known best. */
export function outcomeOf(
  tick: ITick,
  run: IRun | undefined,
  trans: TranslationBundle
): IOutcome {
  const status = run?.status ?? tick.run_status;
  if (status === null) {
    const word = tickWord(tick, trans);
    return { status: tick.status === 'FAILED' ? 'FAILED' : null, glyph: TICK_GLYPHS[tick.status], word, took: '' };
  }
  const kind = run?.failure_kind ?? tick.failure_kind;
  const word = statusWord(status, trans);
  const tookS =
    run?.started_at && run.ended_at
      ? (Date.parse(run.ended_at) - Date.parse(run.started_at)) / 1000
      : tick.duration_s;
  return {
    status,
    glyph: GLYPHS[status] ?? '?',
    word: status === 'FAILED' && kind ? `${word}: ${kind.replace(/-/g, ' ')}` : word,
    took: tookS === null ? '' : formatDuration(tookS)
  };
}

/** Return why no moment is to come; empty: there is one, or it is not by the clock. */
export function haltText(schedule: ISchedule, trans: TranslationBundle): string {
  if (schedule.paused_at !== null) {
    return trans.__('paused');
  }
  if (schedule.is_over) {
    return trans.__('over');
  }
  return schedule.kind === 'after'
    ? trans.__('waits for %1', schedule.after.join(', ') || trans.__('nothing'))
    : '';
}

/** Return how what AWS has of a schedule is otherwise than it was saved; empty: it is not. */
export function unplacedText(schedule: ISchedule, trans: TranslationBundle): string {
  if (schedule.is_placed) {
    return '';
  }
  return schedule.where === 'cloud' ? trans.__('not in AWS yet') : trans.__('still in AWS');
}

/** Return by what a tick came about, where it was not by the clock; empty: it was. */
export function triggerText(tick: ITick, trans: TranslationBundle): string {
  switch (tick.trigger) {
    case 'now':
      return trans.__('run by hand');
    case 'missed':
      return trans.__('caught up');
    case 'backfill':
      return trans.__('backfilled');
    case 'after':
      return trans.__('after what it waits for');
    default:
      return '';
  }
}

/** Return the times of a schedule without its zone and limits: what stands in the field for them. */
export function plainWhen(schedule: Pick<ISchedule, 'when_text' | 'zone' | 'kind'>): string {
  if (schedule.kind === 'after') {
    return '';
  }
  const text = schedule.when_text
    .replace(/(, (from|until) \d{4}-\d{2}-\d{2} [\d:]+)+$/, '')
    .replace(/ \([^()]*\)$/, '');
  const zone = ` ${schedule.zone}`;
  return text.endsWith(zone) ? text.slice(0, -zone.length) : text;
}
