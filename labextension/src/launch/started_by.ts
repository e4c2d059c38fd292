import type { ITiming } from './timing';

/** Rules that nobody is there to keep where the cloud starts the runs, by their keywords. */
export const NOT_IN_CLOUD: readonly string[] = ['missed', 'overlap', 'month_cost', 'after'];

/** The engine whose cloud can start runs. */
const ENGINE = 'ecs';

/** Say whether the cloud is to start the runs, as the fields stand. */
export function isOfCloud({ fields }: ITiming): boolean {
  return fields.where === 'cloud';
}

/** Say whether it can be chosen who starts the runs: once it was, the choice can be taken back. */
export function isWhereAsked(timing: ITiming, engine: string | undefined): boolean {
  const { fields, begun } = timing;
  const isChosen = (fields.where ?? '') !== (begun.where ?? '');
  return engine === ENGINE || isChosen || isOfCloud(timing);
}

/**
 * Return the timing as it can be: in the cloud without the rules that nobody could keep there.
 *
 * What was typed for them is back when the choice is another. What was saved of them is taken back,
 * since the server refuses both together.
 */
export function feasible(timing: ITiming): ITiming {
  if (!isOfCloud(timing)) {
    return timing;
  }
  const { missed = '', overlap = '' } = timing.begun;
  // of one that was never said the server itself makes what the cloud does
  const kept = ['queue', 'replace'].includes(overlap) ? 'allow' : overlap;
  const rules = { missed, overlap: kept, month_cost: '', after: '' };
  return { ...timing, fields: { ...timing.fields, ...rules } };
}
