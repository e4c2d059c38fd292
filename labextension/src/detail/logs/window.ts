import type { IRecord, IStreamPage } from '../../wire';
import type { IKeptRecord } from './thinning';
import { thinned } from './thinning';

/** Records of one request, and of one page that is dropped as a whole. */
export const PAGE = 500;
/** Records that are kept; with what the server sends at most, some MB. */
const MOST_RECORDS = 8 * PAGE;
/** Characters that are kept. */
const MOST_TEXT = 4 * 1024 * 1024;

function sizeOf(record: IRecord): number {
  if (typeof record.text === 'string') {
    return record.text.length;
  }
  return JSON.stringify(record).length;
}

interface IPiece {
  records: IKeptRecord[];
  size: number;
}

/**
 * The part of a stream that is loaded: neighbouring pages, around what is in sight. It never
 * grows beyond a bound, however long the stream: what is far from the newest page is dropped.
 */
export class StreamWindow {
  /** The stream has nothing before, or nothing after, at the time of the answer. */
  atStart = true;
  atEnd = false;
  /** Nothing will follow what is at the end. */
  isOver = false;

  /** Number of the first record; 0: there is none. */
  get first(): number {
    return this._pieces[0]?.records[0]?.seq ?? 0;
  }

  /** Number of the last record that is known, from which on is asked. */
  get last(): number {
    return this._last;
  }

  get records(): IKeptRecord[] {
    return this._pieces.flatMap(piece => piece.records);
  }

  /** Begin anew with a page from anywhere. */
  reset(page: IStreamPage): void {
    this._pieces = [];
    this._last = page.last;
    this.atStart = page.at_start;
    this._end(page);
    this._push(page.records);
  }

  /** Add what follows; returns true where earlier pages were dropped for it. */
  append(page: IStreamPage): boolean {
    this._last = Math.max(this._last, page.last);
    this._end(page);
    this._push(page.records);
    let isDropped = false;
    while (this._isTooMuch()) {
      this._pieces.shift();
      isDropped = true;
      this.atStart = false;
    }
    return isDropped;
  }

  /** Add what comes before; returns true where later pages were dropped for it. */
  prepend(page: IStreamPage): boolean {
    let isDropped = false;
    this.atStart = page.at_start;
    if (page.records.length) {
      this._pieces.unshift(pieceOf(page.records));
    }
    while (this._isTooMuch()) {
      this._pieces.pop();
      isDropped = true;
      this.atEnd = false;
      this.isOver = false;
      const { records } = this._pieces[this._pieces.length - 1];
      this._last = records[records.length - 1].seq;
    }
    return isDropped;
  }

  private _end(page: IStreamPage): void {
    this.atEnd = page.at_end;
    this.isOver = page.is_over;
  }

  /** Add records at the end: a follower brings few at a time, which make pages, too. */
  private _push(records: readonly IRecord[]): void {
    const last = this._pieces[this._pieces.length - 1];
    if (records.length === 0) {
      return;
    }
    const piece = pieceOf(records);
    const hasRoom =
      last &&
      last.records.length + records.length <= PAGE &&
      last.size + piece.size <= MOST_TEXT / 8;
    if (hasRoom) {
      last.records = last.records.concat(piece.records);
      last.size += piece.size;
    } else {
      this._pieces.push(piece);
    }
  }

  private _isTooMuch(): boolean {
    const sum = (of: (piece: IPiece) => number) =>
      this._pieces.reduce((total, piece) => total + of(piece), 0);
    const isMuch =
      sum(piece => piece.records.length) > MOST_RECORDS || sum(piece => piece.size) > MOST_TEXT;
    // what is in sight may be on two of them
    return isMuch && this._pieces.length > 2;
  }

  private _pieces: IPiece[] = [];
  private _last = 0;
}

function pieceOf(records: readonly IRecord[]): IPiece {
  const kept = thinned(records);
  return { records: kept, size: kept.reduce((total, record) => total + sizeOf(record), 0) };
}
