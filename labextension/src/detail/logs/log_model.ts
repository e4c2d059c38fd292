import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';
import type { FlotillaApi, FlotillaError } from '../../api';
import { asFlotillaError } from '../../api';
import type { IStreamPage } from '../../wire';
import type { Line } from './lines';
import { LineBuilder } from './lines';
import { thinned } from './thinning';
import { PAGE, StreamWindow } from './window';
import { subscribed } from '../../subscribe';

/** Seconds that the server holds a request until there is more. */
const HELD_S = 10;
/** How long to draw what has come before asking for more: a job may say more than can be read. */
const BREATH_MS = 200;
/** How long to wait after a failure before asking again. */
const PAUSE_MS = 3000;
/** Records that are shown before the one that was jumped to. */
const CONTEXT = 50;

/** So many pages in a row that bring no further line are loaded unasked: lines can be long. */
const MOST_STALLED = 20;

/** Where one reads on to: pages are loaded there, and dropped on the other side. */
export type Direction = 'earlier' | 'later' | 'both';

/** A place to show: the first line of a record, or the one in it that has a text. */
export interface ITarget {
  seq: number;
  text: string;
  /** It is a place that was looked for, and is shown as one. */
  isFound: boolean;
}

/** What a log shows at a moment; never changed, always replaced. */
export interface ILogSnapshot {
  lines: readonly Line[];
  atStart: boolean;
  atEnd: boolean;
  /** Nothing will follow. */
  isOver: boolean;
  hasLoaded: boolean;
  isLoading: boolean;
  /** There is more, but it is not loaded unasked. */
  isStalled: boolean;
  error: FlotillaError | null;
  isFollowing: boolean;
  /** Where to scroll to; another object each time. */
  target: ITarget | null;
}

const NOTHING: ILogSnapshot = {
  lines: [],
  atStart: true,
  atEnd: true,
  isOver: false,
  hasLoaded: false,
  isLoading: true,
  isStalled: false,
  error: null,
  isFollowing: false,
  target: null
};

/** What one attempt says: the loaded part of its stream, and how it moves along. */
export class LogModel {
  constructor(
    readonly api: FlotillaApi,
    readonly runId: string,
    /** Undefined: whichever is the latest. */
    readonly attempt?: number
  ) {}

  /** The line that is at the top of what is in sight, and how far below it; for whoever draws. */
  anchor: { key: string; seq: number; offset: number } | null = null;

  /** Where whoever reads is going. */
  direction: Direction = 'both';

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** For `useSyncExternalStore`. */
  subscribe = (callback: () => void): (() => void) => subscribed(this._changed, callback);

  /** What is to be seen now; the same object until something changes. */
  snapshot = (): ILogSnapshot => this._snapshot;

  /** Show the end; following: also what is added to it from now on. */
  toEnd(isFollowing: boolean): Promise<void> {
    this._update({ isFollowing });
    this.direction = 'earlier';
    const end = { seq: Number.MAX_SAFE_INTEGER, text: '', isFound: false };
    return this._open({ before: 0 }, isFollowing ? null : end);
  }

  toStart(): Promise<void> {
    this._update({ isFollowing: false });
    this.direction = 'later';
    return this._open({ after: 0 }, { seq: 0, text: '', isFound: false });
  }

  /** Show a record, among what was said around it; the line in it that has a text. */
  to(seq: number, text: string): Promise<void> {
    const target = { seq, text, isFound: true };
    this._update({ isFollowing: false });
    this.direction = 'both';
    const { first, last } = this._window;
    if (this._snapshot.hasLoaded && first > 0 && target.seq >= first && target.seq <= last) {
      this._update({ target });
      return Promise.resolve();
    }
    return this._open({ after: Math.max(0, target.seq - 1 - CONTEXT) }, target);
  }

  /** Load the page before what is there. */
  async earlier(): Promise<void> {
    const { first } = this._window;
    if (!this._window.atStart && first > 0) {
      this._stopWaiting();
      await this._fetch({ before: first }, page => {
        const key = this._snapshot.lines[0]?.key;
        if (this._window.prepend(page)) {
          this.direction = 'earlier';
        }
        this._rebuild();
        this._count(key === this._snapshot.lines[0]?.key);
      });
    }
  }

  /** Load the page after what is there. */
  async later(): Promise<void> {
    if (!this._window.atEnd) {
      await this._fetch({ after: this._window.last }, page => {
        const key = this._lastKey;
        this._append(page);
        this._count(key === this._lastKey);
      });
    }
  }

  /** Go on loading where it has stalled. */
  goOn(): void {
    this._count(false);
  }

  /** Ask once more after a failure. */
  retry(): void {
    if (!this._snapshot.hasLoaded) {
      void this._open(this._opened, this._snapshot.target);
      return;
    }
    this._update({ error: null });
    this._follow();
  }

  setFollowing(isFollowing: boolean): void {
    if (isFollowing && !this._window.atEnd) {
      void this.toEnd(true);
    } else if (isFollowing !== this._snapshot.isFollowing) {
      this._update({ isFollowing });
      this._follow();
    }
  }

  /** Say whether anybody looks: only then is it followed. */
  setVisible(isVisible: boolean): void {
    this._isVisible = isVisible;
    this._follow();
  }

  dispose(): void {
    this._isDisposed = true;
    this._abort.abort();
    window.clearTimeout(this._timer);
    Signal.clearData(this);
  }

  private async _open(
    query: { before: number } | { after: number },
    target: ITarget | null
  ): Promise<void> {
    this._opened = query;
    this._abort.abort();
    this._abort = new AbortController();
    this._isBusy = this._isWaiting = false;
    await this._fetch(query, page => {
      this._window.reset(page);
      this._rebuild();
      this._count(false);
      this._update({ hasLoaded: true, target });
    });
  }

  /** Note whether a page has brought a further line. */
  private _count(isStalled: boolean): void {
    this._stalled = isStalled ? this._stalled + 1 : 0;
    this._update({ isStalled: this._stalled >= MOST_STALLED });
  }

  private get _lastKey(): string | undefined {
    const { lines } = this._snapshot;
    return lines[lines.length - 1]?.key;
  }

  private _append(page: IStreamPage): void {
    if (this._window.append(page)) {
      this.direction = 'later';
      this._rebuild();
      return;
    }
    this._builder.feed(thinned(page.records));
    this._show();
  }

  private _rebuild(): void {
    this._builder = new LineBuilder();
    this._builder.feed(this._window.records);
    this._show();
  }

  private _show(): void {
    const { atStart, atEnd, isOver } = this._window;
    // another array, so that whoever draws sees that it is
    this._update({ lines: [...this._builder.lines], atStart, atEnd, isOver });
  }

  /** Ask for a page, one at a time. */
  private async _fetch(
    query: { before?: number; after?: number; wait_s?: number },
    take: (page: IStreamPage) => void
  ): Promise<void> {
    if (this._isBusy || this._isDisposed) {
      return;
    }
    const { signal } = this._abort;
    window.clearTimeout(this._timer);
    this._isBusy = true;
    this._update({ isLoading: !query.wait_s });
    try {
      const asked = { ...query, attempt: this.attempt, limit: PAGE };
      const page = await this.api.stream(this.runId, asked, signal);
      if (!signal.aborted) {
        this._isBusy = false;
        take(page);
        this._update({ isLoading: false, error: null });
        this._timer = window.setTimeout(() => this._follow(), page.records.length ? BREATH_MS : 0);
      }
    } catch (thrown) {
      if (!signal.aborted) {
        this._isBusy = false;
        this._update({ isLoading: false, error: asFlotillaError(thrown) });
        this._timer = window.setTimeout(() => this._follow(), PAUSE_MS);
      }
    }
  }

  /** Wait for what comes next, if it is wanted and not waited for. */
  private _follow(): void {
    const { hasLoaded, isFollowing } = this._snapshot;
    const { isOver, last } = this._window;
    const isWanted = hasLoaded && isFollowing && this._isVisible && !isOver;
    if (!isWanted) {
      this._stopWaiting();
      return;
    }
    if (!this._isBusy && !this._window.atEnd) {
      // too much was said meanwhile: whoever follows wants the end
      void this.toEnd(true);
    } else if (!this._isBusy) {
      this._isWaiting = true;
      void this._fetch({ after: last, wait_s: HELD_S }, page => {
        this._isWaiting = false;
        this._append(page);
      });
    }
  }

  /** Take back a held request: a page that is asked for now must not wait for it. */
  private _stopWaiting(): void {
    if (this._isWaiting) {
      this._isWaiting = false;
      this._abort.abort();
      this._abort = new AbortController();
      this._isBusy = false;
    }
  }

  private _update(changes: Partial<ILogSnapshot>): void {
    if (!this._isDisposed) {
      this._snapshot = { ...this._snapshot, ...changes };
      this._changed.emit();
    }
  }

  private _window = new StreamWindow();
  private _builder = new LineBuilder();
  private _snapshot = NOTHING;
  private _opened: { before: number } | { after: number } = { before: 0 };
  private _abort = new AbortController();
  private _isBusy = false;
  private _isWaiting = false;
  private _isVisible = false;
  private _isDisposed = false;
  private _stalled = 0;
  private _timer = 0;
  private _changed = new Signal<this, void>(this);
}
