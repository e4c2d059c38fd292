import { createContext, useContext } from 'react';
import type { ITime } from '../components/time';
import type { IContext } from '../context';
import type { CardActions } from './actions';
import type { Executing } from './executing';
import type { RunLookup } from './lookup';

/** What every card is given. */
export interface ICardHost {
  context: IContext;
  lookup: RunLookup;
  actions: CardActions;
  executing: Executing;
  time: ITime;
}

export const CardContext = createContext<ICardHost | null>(null);

/** Return what a card is given. */
export function useCardHost(): ICardHost {
  const host = useContext(CardContext);
  if (host === null) {
    throw new Error('this is drawn outside of a card');
  }
  return host;
}
