import type { FlotillaApi } from './api';
import type { Change } from './wire';

/** What a {@link ChangesSocket} tells. */
export interface ISocketListener {
  /** Something has changed. */
  onChange(change: Change): void;
  /** The connection is gone; another try follows after the pause. */
  onBreak(): void;
  /** From which sequence number on changes are wanted. */
  after(): number;
}

/** Milliseconds of the first pause after a break; each further one is twice as long. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

/** The one socket of changes; after a break it connects anew, with growing pauses. */
export class ChangesSocket {
  constructor(
    private _api: FlotillaApi,
    private _listener: ISocketListener
  ) {}

  /** Connect, at once; an open connection is left alone. */
  connect(): void {
    window.clearTimeout(this._timer);
    if (this._isDisposed || this._socket) {
      return;
    }
    let socket: WebSocket;
    try {
      socket = this._api.openChanges(this._listener.after());
    } catch {
      this._retryLater();
      return;
    }
    this._socket = socket;
    socket.onmessage = event => this._onMessage(socket, event);
    // a failed connection says `error` and then `close`
    socket.onclose = () => this._onClose(socket);
  }

  /** Tell the server something; nothing where there is no connection. */
  send(message: object): void {
    try {
      this._socket?.send(JSON.stringify(message));
    } catch {
      // not open yet, or no longer: whoever has something to say says it after each hello
    }
  }

  dispose(): void {
    this._isDisposed = true;
    window.clearTimeout(this._timer);
    const socket = this._socket;
    this._socket = null;
    socket?.close();
  }

  private _onMessage(socket: WebSocket, event: MessageEvent): void {
    if (socket !== this._socket) {
      return;
    }
    this._pauseMs = FIRST_PAUSE_MS;
    let change: Change;
    try {
      change = JSON.parse(event.data as string) as Change;
    } catch {
      return; // not for us
    }
    this._listener.onChange(change);
  }

  private _onClose(socket: WebSocket): void {
    if (socket === this._socket) {
      this._socket = null;
      this._retryLater();
    }
  }

  private _retryLater(): void {
    if (this._isDisposed) {
      return;
    }
    this._listener.onBreak();
    // many windows should not come back in the same moment
    const pauseMs = this._pauseMs * (0.75 + Math.random() / 2);
    this._pauseMs = Math.min(LONGEST_PAUSE_MS, this._pauseMs * 2);
    this._timer = window.setTimeout(() => this.connect(), pauseMs);
  }

  private _socket: WebSocket | null = null;
  private _timer = 0;
  private _pauseMs = FIRST_PAUSE_MS;
  private _isDisposed = false;
}
