import { Token } from '@lumino/coreutils';
import type { RunActions } from './actions';
import type { IContext } from './context';

/** Flotilla's front end, for its own plugins and those of others. */
export interface IFlotilla {
  context: IContext;
  actions: RunActions;
}

export const IFlotilla = new Token<IFlotilla>(
  'jupyter-flotilla:IFlotilla',
  'Runs of Flotilla: what is known of them, and what can be done to them.'
);
