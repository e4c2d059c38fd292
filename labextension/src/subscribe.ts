import type { ISignal } from '@lumino/signaling';

/** Call back at each signal, until what is returned is called: as `useSyncExternalStore` wants it. */
export function subscribed(signal: ISignal<unknown, unknown>, callback: () => void): () => void {
  const slot = () => callback();
  signal.connect(slot);
  return () => {
    signal.disconnect(slot);
  };
}
