/** Requests for cells that are on their way at once: a browser has six connections in all. */
const MOST_AT_ONCE = 2;

/** Lets the followers of cells ask in turn, so that the rest of the page is not kept waiting. */
export class Pace {
  /** How many follow. */
  get size(): number {
    return this._following;
  }

  /** One more follows; returns how to end that. */
  join(): () => void {
    this._following += 1;
    return () => {
      this._following -= 1;
    };
  }

  /** How long the server may hold an answer: not at all where others wait for their turn. */
  get holdS(): number {
    return this._following > MOST_AT_ONCE ? 0 : 10;
  }

  /** Wait for a turn; returns how to end it. */
  async turn(): Promise<() => void> {
    while (this._asking >= MOST_AT_ONCE) {
      await new Promise<void>(resolve => this._waiting.push(resolve));
    }
    this._asking += 1;
    return () => {
      this._asking -= 1;
      this._waiting.shift()?.();
    };
  }

  private _following = 0;
  private _asking = 0;
  private _waiting: (() => void)[] = [];
}

/** Wait; less, where a signal ends it. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const timer = window.setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      window.clearTimeout(timer);
      resolve();
    });
  });
}
