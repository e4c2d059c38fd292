import type { IRecord, Json } from '../../wire';
import type { IStyle } from './ansi';
import { PLAIN, styleAfter } from './ansi';
import type { IKeptRecord } from './thinning';
import { LINE_MOST } from './thinning';

/** What a line of text comes from. */
export type Source = 'stdout' | 'stderr' | 'error' | 'result' | 'metric' | 'progress' | 'cell';

/** Where a line begins: in which record, and the how-manieth of that record it is. */
interface IPlace {
  readonly key: string;
  readonly seq: number;
  /** Index of its cell, from 0; null: of none. */
  readonly cell: number | null;
}

/** A line of text. */
export interface ITextLine extends IPlace {
  readonly type: 'text';
  readonly source: Source;
  /** With its escape sequences, cut at `LINE_MOST`. */
  text: string;
  /** How many characters follow the cut. */
  rest: number;
  /** The style that holds where it begins. */
  style: IStyle;
  /** The cursor is back at its beginning: what comes next takes its place. */
  isReturned: boolean;
}

/** A picture, a table: whatever has more to it than text. */
export interface IRichLine extends IPlace {
  readonly type: 'rich';
  readonly record: IRecord;
}

export type Line = ITextLine | IRichLine;

/** Return a MIME value that may be a list of lines as one text. */
export function textOf(value: Json | undefined): string {
  if (Array.isArray(value)) {
    return value.map(part => (typeof part === 'string' ? part : '')).join('');
  }
  return typeof value === 'string' ? value : '';
}

/** Say whether there is more to a MIME bundle than its text. */
export function isRich(data: IRecord['data']): boolean {
  return Object.keys(data ?? {}).some(mime => mime !== 'text/plain');
}

/**
 * Makes lines of records.
 *
 * A line may come in many records, and one record may hold many lines. As on a terminal, what
 * follows a carriage return takes the place of the line, so a progress bar is one line.
 */
export class LineBuilder {
  /** All lines so far; the last of each stream may still grow. */
  lines: Line[] = [];

  /** Take the records that follow. */
  feed(records: readonly IKeptRecord[]): void {
    for (const record of records) {
      this._take(record);
    }
  }

  private _take(record: IKeptRecord): void {
    switch (record.kind) {
      case 'stdout':
      case 'stderr':
        this._text(record, record.kind, String(record.text ?? ''));
        if (record.rest) {
          this._continued(record, record.kind, '', 0).rest += record.rest;
        }
        break;
      case 'error':
        this._whole(record, 'error', tracebackOf(record));
        break;
      case 'display':
      case 'result':
        this._bundle(record);
        break;
      case 'update':
        this._update(record);
        break;
      case 'clear':
        this._clear(record.cell);
        break;
      case 'cell':
        this._whole(record, 'cell', `${(record.cell ?? 0) + 1}/${record.total ?? '?'}`);
        break;
      case 'progress':
        // a job says often how far it is: the last time counts
        this._drop(line => line.type === 'text' && line.source === 'progress');
        this._whole(record, 'progress', progressText(record));
        break;
      case 'metric':
        this._whole(record, 'metric', metricText(record));
        break;
    }
  }

  private _bundle(record: IRecord): void {
    if (isRich(record.data)) {
      this.lines.push({ type: 'rich', ...this._place(record, 0), record });
    } else {
      this._whole(record, 'result', textOf(record.data?.['text/plain']));
    }
  }

  private _update(record: IRecord): void {
    const id = record.display_id;
    const isIt = (line: Line) => line.type === 'rich' && line.record.display_id === id;
    for (let at = this.lines.length - 1; id && at >= 0; at--) {
      const line = this.lines[at];
      if (isIt(line)) {
        this.lines[at] = { ...(line as IRichLine), record: { ...record, seq: line.seq } };
        return;
      }
    }
    this._bundle(record);
  }

  /** A cell clears its output: what it has drawn goes, what it has said stays in a log. */
  private _clear(cell: number | null): void {
    this.lines = this.lines.filter(line => line.type !== 'rich' || line.cell !== cell);
  }

  /** Remove the last line that is such. */
  private _drop(isIt: (line: Line) => boolean): void {
    for (let at = this.lines.length - 1; at >= 0; at--) {
      if (isIt(this.lines[at])) {
        this.lines.splice(at, 1);
        return;
      }
    }
  }

  /** Add a text of its own: each line of it is complete. */
  private _whole(record: IRecord, source: Source, text: string): void {
    const pieces = text.replace(/\n+$/, '').split('\n');
    let style = PLAIN;
    pieces.forEach((piece, count) => {
      const line = this._begin(record, source, count, style);
      append(line, piece);
      style = styleAfter(line.text, style);
    });
  }

  private _text(record: IRecord, source: 'stdout' | 'stderr', text: string): void {
    let from = 0;
    let count = 0;
    while (from < text.length) {
      const end = text.indexOf('\n', from);
      const piece = text.slice(from, end < 0 ? text.length : end);
      const line = this._continued(record, source, piece, count);
      count += 1;
      append(line, piece);
      if (end < 0) {
        return;
      }
      this._styles[source] = styleOfNext(line);
      this._open[source] = null;
      from = end + 1;
    }
  }

  /** Return the line that a piece belongs to: the open one of its stream, or a new one. */
  private _continued(
    record: IRecord,
    source: 'stdout' | 'stderr',
    piece: string,
    count: number
  ): ITextLine {
    const open = this._open[source];
    if (open && this.lines[this.lines.length - 1] === open) {
      return open;
    }
    if (open) {
      this._styles[source] = styleOfNext(open);
      // something else was said meanwhile: a bar that goes on moves to the end
      if (open.isReturned || piece.startsWith('\r')) {
        this._drop(line => line === open);
      }
    }
    const begun = this._begin(record, source, count, this._styles[source]);
    this._open[source] = begun;
    return begun;
  }

  private _begin(record: IRecord, source: Source, count: number, style: IStyle): ITextLine {
    const place = this._place(record, count);
    const line: ITextLine = {
      type: 'text', ...place, source, text: '', rest: 0, style, isReturned: false
    };
    this.lines.push(line);
    return line;
  }

  private _place(record: IRecord, count: number): IPlace {
    return { key: `${record.seq}:${count}`, seq: record.seq, cell: record.cell ?? null };
  }

  private _open: { [source in 'stdout' | 'stderr']: ITextLine | null } = {
    stdout: null,
    stderr: null
  };
  private _styles: { [source in 'stdout' | 'stderr']: IStyle } = { stdout: PLAIN, stderr: PLAIN };
}

/** Return the style that holds after a line; nobody knows after one that was cut. */
function styleOfNext(line: ITextLine): IStyle {
  return line.rest > 0 ? PLAIN : styleAfter(line.text, line.style);
}

/** Append a piece without line feeds to a line, as a terminal would. */
function append(line: ITextLine, piece: string): void {
  const body = piece.replace(/\r+$/, '');
  const before = body.lastIndexOf('\r');
  if (before >= 0 || (line.isReturned && body !== '')) {
    const overwritten = line.text + body.slice(0, Math.max(0, Math.min(before, LINE_MOST)));
    line.style = styleAfter(overwritten, line.style);
    line.text = '';
    line.rest = 0;
    line.isReturned = false;
  }
  const text = body.slice(before + 1);
  const room = LINE_MOST - line.text.length;
  line.text += text.slice(0, room);
  line.rest += Math.max(0, text.length - room);
  line.isReturned ||= body.length < piece.length;
}

function tracebackOf(record: IRecord): string {
  const lines = Array.isArray(record.traceback) ? record.traceback : [];
  return lines.length ? lines.join('\n') : `${record.ename ?? 'Error'}: ${record.evalue ?? ''}`;
}

function progressText(record: IRecord): string {
  const { done, total, message } = record;
  const figures = total ? `${done ?? 0}/${total}` : (done ?? '');
  return [figures, message].filter(part => part !== '' && part !== null).join(' ');
}

function metricText(record: IRecord): string {
  const step = record.step === null || record.step === undefined ? '' : ` (${record.step})`;
  return `${record.name ?? ''} = ${record.value ?? '–'}${step}`;
}
