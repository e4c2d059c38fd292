import type { FlotillaApi } from '../../api';
import type { IRecord } from '../../wire';
import { stripAnsi } from './ansi';
import type { ITextLine } from './lines';
import { textOf } from './lines';

/** Characters that a browser is asked to hold; more is for the command line. */
const MOST = 200 * 1024 * 1024;

/** Return what a log has of a record, as text. */
export function recordText(record: IRecord): string {
  switch (record.kind) {
    case 'stdout':
    case 'stderr':
      return String(record.text ?? '');
    case 'error':
      return `${(record.traceback ?? []).join('\n')}\n`;
    case 'display':
    case 'result': {
      const text = textOf(record.data?.['text/plain']);
      return text && `${text}\n`;
    }
    default:
      return '';
  }
}

/** What was collected; `isCut`: there is more than a browser should hold. */
export interface ICollected {
  parts: string[];
  isCut: boolean;
}

/** Return all that an attempt has said, as text without colours. */
export async function collectLog(
  api: FlotillaApi,
  runId: string,
  attempt: number | undefined
): Promise<ICollected> {
  const parts: string[] = [];
  let size = 0;
  for (let after = 0; size < MOST; ) {
    const page = await api.stream(runId, { attempt, after, limit: 5000 });
    for (const record of page.records) {
      const text = stripAnsi(recordText(record));
      parts.push(text);
      size += text.length;
    }
    if (page.at_end || page.records.length === 0) {
      return { parts, isCut: false };
    }
    after = page.last;
  }
  return { parts, isCut: true };
}

/**
 * Return the whole of a line that is shown cut.
 *
 * It is longer than the text of one record, so it is the last one of the record it begins in.
 */
export async function collectLine(
  api: FlotillaApi,
  runId: string,
  attempt: number | undefined,
  line: ITextLine
): Promise<ICollected> {
  if (line.source !== 'stdout' && line.source !== 'stderr') {
    const page = await api.stream(runId, { attempt, after: line.seq - 1, limit: 1 });
    return { parts: page.records.map(record => stripAnsi(recordText(record))), isCut: false };
  }
  const parts: string[] = [];
  let size = 0;
  for (let after = line.seq - 1; size < MOST; ) {
    const page = await api.stream(runId, { attempt, after, limit: 5000 });
    for (const record of page.records.filter(one => one.kind === line.source)) {
      const whole = stripAnsi(recordText(record));
      const text = parts.length ? whole : whole.slice(whole.lastIndexOf('\n') + 1);
      const end = text.indexOf('\n');
      parts.push(end < 0 ? text : text.slice(0, end));
      size += text.length;
      if (end >= 0) {
        return { parts, isCut: false };
      }
    }
    if (page.at_end || page.records.length === 0) {
      return { parts, isCut: false };
    }
    after = page.last;
  }
  return { parts, isCut: true };
}

/** Have the browser save text as a file. */
export function save(parts: string[], name: string): void {
  const url = URL.createObjectURL(new Blob(parts, { type: 'text/plain' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // the browser reads it after this returns
  window.setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
