/** Answers take a while: differences below this many milliseconds are no skew. */
const NOISE_MS = 500;

/** The server's clock, as far as it can be told from here. */
export class ServerClock {
  /** The server's time minus ours, in milliseconds. */
  get skewMs(): number {
    return this._skewMs;
  }

  /** Learn from the `now` of an answer that has just come. */
  learn(now: string): void {
    const skewMs = Date.parse(now) - Date.now();
    if (Number.isFinite(skewMs) && Math.abs(skewMs - this._skewMs) > NOISE_MS) {
      this._skewMs = skewMs;
    }
  }

  /** Milliseconds since 1970, by the server's clock. */
  now(): number {
    return Date.now() + this._skewMs;
  }

  private _skewMs = 0;
}

/** Beats once a second, for whoever shows something that grows; sleeps while nobody looks. */
export class Ticker {
  /** Call back at each beat; returns how to end that. */
  subscribe = (callback: () => void): (() => void) => {
    this._callbacks.add(callback);
    if (this._callbacks.size === 1) {
      this._timer = window.setInterval(() => this._beat(), 1000);
    }
    return () => {
      this._callbacks.delete(callback);
      if (this._callbacks.size === 0) {
        window.clearInterval(this._timer);
      }
    };
  };

  /** How many beats there were. */
  count = (): number => this._count;

  private _beat(): void {
    if (document.visibilityState === 'hidden') {
      return;
    }
    this._count += 1;
    this._callbacks.forEach(callback => callback());
  }

  private _callbacks = new Set<() => void>();
  private _count = 0;
  private _timer = 0;
}
