import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';
import { subscribed } from '../subscribe';

/** Whether anybody can see a tab: it is in front, and so is the window. */
export class Visibility {
  constructor() {
    document.addEventListener('visibilitychange', this._tell);
  }

  /** Emitted when it changes. */
  get changed(): ISignal<this, boolean> {
    return this._changed;
  }

  get isVisible(): boolean {
    return this._isShown && document.visibilityState !== 'hidden';
  }

  /** Say whether the tab is in front. */
  set isShown(isShown: boolean) {
    this._isShown = isShown;
    this._tell();
  }

  /** For `useSyncExternalStore`. */
  subscribe = (callback: () => void): (() => void) => subscribed(this._changed, callback);

  get = (): boolean => this.isVisible;

  dispose(): void {
    document.removeEventListener('visibilitychange', this._tell);
    Signal.clearData(this);
  }

  private _tell = (): void => {
    if (this.isVisible !== this._told) {
      this._told = this.isVisible;
      this._changed.emit(this._told);
    }
  };

  private _isShown = false;
  private _told = false;
  private _changed = new Signal<this, boolean>(this);
}
