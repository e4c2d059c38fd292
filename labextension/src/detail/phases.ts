import type { IAttempt } from '../wire';

/** A stretch of an attempt. */
export interface IPhase {
  name: string;
  /** Milliseconds since 1970. */
  begin: number;
  durationS: number;
  /** It goes on. */
  isOpen: boolean;
}

/** Return the phases of an attempt in order of time; the last one lasts until its end, or now. */
export function phasesOf(attempt: IAttempt, now: number): IPhase[] {
  const moments = Object.entries(attempt.phases)
    .map(([name, at]) => ({ name, begin: Date.parse(at) }))
    .filter(({ begin }) => Number.isFinite(begin));
  const claimed = attempt.claimed_at ? Date.parse(attempt.claimed_at) : NaN;
  moments.sort((one, other) => one.begin - other.begin);
  if (Number.isFinite(claimed) && (moments.length === 0 || claimed < moments[0].begin)) {
    moments.unshift({ name: 'launching', begin: claimed });
  }
  const isOpen = attempt.ended_at === null;
  const end = attempt.ended_at === null ? now : Date.parse(attempt.ended_at);
  return moments.map(({ name, begin }, at) => {
    const isLast = at === moments.length - 1;
    const until = isLast ? end : moments[at + 1].begin;
    const durationS = Math.max(0, until - begin) / 1000;
    return { name, begin, durationS, isOpen: isLast && isOpen };
  });
}

/**
 * Return how wide each phase is drawn, as shares of 1.
 *
 * A short one gets a least width, taken from the others, so that it can be seen and pointed at.
 */
export function shares(durations: readonly number[], least = 0.03): number[] {
  const total = durations.reduce((sum, one) => sum + one, 0);
  if (total <= 0) {
    return durations.map(() => 1 / durations.length);
  }
  const raised = durations.map(one => Math.max(one / total, least));
  const sum = raised.reduce((all, one) => all + one, 0);
  return raised.map(one => one / sum);
}
