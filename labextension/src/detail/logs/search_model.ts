import type { FlotillaApi, FlotillaError } from '../../api';
import { asFlotillaError } from '../../api';

/** Places of one request, and of all together. */
const PAGE = 200;
const MOST = 2000;

/** Where a text is in a stream, as far as is known. */
export interface IFound {
  text: string;
  /** Numbers of the records, in order. */
  seqs: readonly number[];
  /** Which of them is shown; -1: none. */
  current: number;
  isSearching: boolean;
  /** There are more than are kept. */
  isCut: boolean;
  error: FlotillaError | null;
}

export const NOT_SEARCHED: IFound = {
  text: '',
  seqs: [],
  current: -1,
  isSearching: false,
  isCut: false,
  error: null
};

/** Finds a text in the whole stream of an attempt, loaded or not. */
export class SearchModel {
  constructor(
    readonly api: FlotillaApi,
    readonly runId: string,
    readonly attempt: number | undefined,
    private _onChange: (found: IFound) => void
  ) {}

  /** Look for another text; empty: for none. The first place from a record on is shown first. */
  async search(text: string, from: number): Promise<void> {
    this._abort.abort();
    this._abort = new AbortController();
    this._update({ ...NOT_SEARCHED, text, isSearching: text !== '' });
    if (text) {
      await this._collect({ text }, from);
    }
  }

  /** Return the number of the last record that is an error; null: there is none. */
  async lastError(): Promise<number | null> {
    const { hits } = await this.api.searchStream(this.runId, {
      attempt: this.attempt,
      kind: 'error',
      limit: PAGE
    });
    return hits.length ? hits[hits.length - 1].seq : null;
  }

  /** Go to the next place, or to the one before; after the last comes the first. */
  step(by: 1 | -1): number | null {
    const { seqs, current } = this._found;
    if (seqs.length === 0) {
      return null;
    }
    const next = current < 0 ? 0 : (current + by + seqs.length) % seqs.length;
    this._update({ current: next });
    return seqs[next];
  }

  dispose(): void {
    this._abort.abort();
  }

  private async _collect(query: { text: string }, from: number): Promise<void> {
    const { signal } = this._abort;
    let after = 0;
    try {
      for (;;) {
        const asked = { ...query, attempt: this.attempt, after, limit: PAGE };
        const part = await this.api.searchStream(this.runId, asked, signal);
        if (signal.aborted) {
          return;
        }
        const seqs = [...this._found.seqs, ...part.hits.map(hit => hit.seq)];
        const isCut = seqs.length >= MOST && !part.at_end;
        const isSearching = !part.at_end && !isCut;
        const first = seqs.findIndex(seq => seq >= from);
        const { current } = this._found;
        const shown = current < 0 && (first >= 0 || !isSearching) ? Math.max(first, 0) : current;
        this._update({ seqs, isSearching, isCut, current: seqs.length ? shown : -1 });
        if (!isSearching) {
          return;
        }
        after = part.last;
      }
    } catch (thrown) {
      if (!signal.aborted) {
        this._update({ isSearching: false, error: asFlotillaError(thrown) });
      }
    }
  }

  private _update(changes: Partial<IFound>): void {
    this._found = { ...this._found, ...changes };
    this._onChange(this._found);
  }

  private _found = NOT_SEARCHED;
  private _abort = new AbortController();
}
