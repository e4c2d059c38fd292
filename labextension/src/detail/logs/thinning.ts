import type { IRecord } from '../../wire';

/** Characters of a line that are shown; what follows can be downloaded. */
export const LINE_MOST = 10_000;

/** A record of which only that is kept which is shown. */
export interface IKeptRecord extends IRecord {
  /** How many characters of its line were left out. */
  rest?: number;
}

/**
 * Return records without the text that no line shows, because it is beyond the cut of its line.
 *
 * So a line of any length takes no more room than one that is just cut, and the pages before and
 * after it can be there together with it.
 */
export function thinned(records: readonly IRecord[]): IKeptRecord[] {
  const kept: IKeptRecord[] = [];
  const lengths: { [kind: string]: number } = {};
  for (const record of records) {
    const text = record.kind === 'stdout' || record.kind === 'stderr' ? record.text : undefined;
    if (typeof text !== 'string') {
      kept.push(record);
      continue;
    }
    const end = Math.max(text.lastIndexOf('\n'), text.lastIndexOf('\r'));
    const before = lengths[record.kind] ?? 0;
    lengths[record.kind] = end < 0 ? before + text.length : text.length - end - 1;
    if (end >= 0 || before < LINE_MOST) {
      kept.push(record);
      continue;
    }
    const last = kept[kept.length - 1];
    if (last?.rest !== undefined && last.kind === record.kind) {
      kept[kept.length - 1] = { ...record, text: '', rest: last.rest + text.length };
    } else {
      kept.push({ ...record, text: '', rest: text.length });
    }
  }
  return kept;
}
