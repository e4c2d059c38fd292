import type { INotebookTracker } from '@jupyterlab/notebook';
import type { RunActions } from '../actions';
import { Ticker } from '../clock';
import type { IContext } from '../context';
import { CardActions } from './actions';
import { Card } from './components/Card';
import { Executing } from './executing';
import type { ICardHost } from './host';
import { Keeper } from './keeper';
import { RunLookup } from './lookup';
import { Pace } from './pace';

/** All that cards and the cells of runs have in common: fetched when there is one of them. */
export class CardRoom {
  constructor(context: IContext, actions: RunActions) {
    const { app, model } = context;
    this.host = {
      context,
      lookup: new RunLookup(model, app.restored),
      actions: new CardActions(context, actions),
      executing: new Executing(),
      time: { clock: model.clock, ticker: new Ticker() }
    };
  }

  readonly host: ICardHost;
  readonly Card = Card;

  /** Keep the cells of all notebooks true, those that are opened later as well. */
  keep(notebooks: INotebookTracker): void {
    const { context, lookup, executing } = this.host;
    new Keeper(notebooks, { context, lookup, executing, pace: new Pace() });
  }
}
