/** How far back costs are looked at. */
export type Range = 'today' | 'week' | 'month' | 'all';

export const RANGES: readonly Range[] = ['today', 'week', 'month', 'all'];

const DAY_MS = 86_400_000;

/**
 * Return since when costs are asked for; undefined: ever.
 *
 * Days and months begin at midnight in UTC, as the server and the bills of AWS count them.
 *
 * @param now milliseconds since 1970, by the server's clock
 */
export function sinceOf(range: Range, now: number): string | undefined {
  const today = new Date(now);
  today.setUTCHours(0, 0, 0, 0);
  switch (range) {
    case 'today':
      return today.toISOString();
    case 'week':
      return new Date(today.getTime() - 6 * DAY_MS).toISOString();
    case 'month':
      today.setUTCDate(1);
      return today.toISOString();
    default:
      return undefined;
  }
}
