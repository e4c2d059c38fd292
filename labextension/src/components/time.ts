import { useSyncExternalStore } from 'react';
import type { ServerClock, Ticker } from '../clock';

/** What shows something that grows needs. */
export interface ITime {
  clock: ServerClock;
  ticker: Pick<Ticker, 'subscribe' | 'count'>;
}

const never = () => () => undefined;

/** Return the server's time in milliseconds; a component that is growing is drawn each second. */
export function useNow(time: ITime, isGrowing: boolean): number {
  useSyncExternalStore(isGrowing ? time.ticker.subscribe : never, time.ticker.count);
  return time.clock.now();
}
