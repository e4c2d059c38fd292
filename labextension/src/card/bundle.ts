import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import type { IRun } from '../wire';

/** The type of output that is the card of a run. */
export const MIME = 'application/vnd.flotilla.run.v1+json';

/** Ids of runs as they are made; whoever writes something else into a notebook means no run. */
const RUN_ID = /^r[0-9a-hjkmnp-tv-z]{12}$/;
/** Of a stored text, no more than this is shown. */
const MOST_LINES = 50;
const LONGEST_LINE = 2_000;

/** What is taken of a stored card: which run it is of, and the text to show where nobody knows. */
export interface IStoredCard {
  /** Null: it names none. */
  runId: string | null;
  lines: readonly string[];
}

/** Return an id of a run; null: it is none. */
export function readRunId(value: unknown): string | null {
  return typeof value === 'string' && RUN_ID.test(value) ? value : null;
}

/** Read a stored card, whatever it is; nothing in it is a fact. */
export function readCard(value: unknown): IStoredCard {
  const found = isObject(value) ? value : {};
  const lines = Array.isArray(found['lines']) ? found['lines'] : [];
  return {
    runId: readRunId(found['run_id']),
    lines: lines
      .slice(0, MOST_LINES)
      .filter(line => typeof line === 'string')
      .map(line => (line as string).slice(0, LONGEST_LINE))
  };
}

/** Say whether a stored card says of a run what is the truth of it at its end. */
export function tellsEnd(value: unknown, run: IRun): boolean {
  return run.ended_at !== null && isObject(value) && value['status'] === run.status;
}

function isObject(value: unknown): value is ReadonlyPartialJSONObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
