/**
 * Of several pages that have a notebook open, one writes the end of a run into it: else each would
 * have something to save, and all but the first be told that the file has changed.
 */
export class Claim {
  /** @param onWon - It is ours from now on. */
  constructor(private _onWon: () => void) {}

  get isOurs(): boolean {
    return this._isOurs;
  }

  /** Claim a notebook, by its address; another one is given up. */
  setNotebook(address: string): void {
    this._end();
    const { locks } = navigator;
    if (!locks) {
      // not known outside of secure contexts: then each page is on its own
      this._win();
      return;
    }
    const abort = (this._abort = new AbortController());
    const held = (): Promise<void> =>
      new Promise(resolve => {
        this._release = resolve;
        if (abort.signal.aborted) {
          resolve();
        } else {
          this._win();
        }
      });
    locks.request(`flotilla ${address}`, { signal: abort.signal }, held).catch(() => undefined);
  }

  dispose(): void {
    this._end();
  }

  private _win(): void {
    this._isOurs = true;
    this._onWon();
  }

  private _end(): void {
    this._isOurs = false;
    this._abort?.abort();
    this._release?.();
    this._abort = this._release = null;
  }

  private _isOurs = false;
  private _abort: AbortController | null = null;
  private _release: (() => void) | null = null;
}
