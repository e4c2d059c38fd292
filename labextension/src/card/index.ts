import type { INotebookTracker } from '@jupyterlab/notebook';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { Ticker } from '../clock';
import type { IFlotilla } from '../tokens';
import { CardActions } from './actions';
import { openFromAddress } from './address';
import { Executing } from './executing';
import type { ICardHost } from './host';
import { RunLookup } from './lookup';
import { cardFactory } from './renderer';

/** Before those of HTML and text, which every card has as well. */
const RANK = 0;

/** Have cards of runs drawn, and the cells that have sent runs away kept true. */
export function addCards(
  { context, actions }: IFlotilla,
  rendermime: IRenderMimeRegistry | null,
  notebooks: INotebookTracker | null
): void {
  const { app, model, open } = context;
  const lookup = new RunLookup(model, app.restored);
  const executing = new Executing();
  const host: ICardHost = {
    context,
    lookup,
    actions: new CardActions(context, actions),
    executing,
    time: { clock: model.clock, ticker: new Ticker() }
  };
  rendermime?.addFactory(cardFactory(host), RANK);
  void openFromAddress(window.location.search, app.restored, open);
  if (notebooks) {
    // not before the application is there: what it fetches would make it start later
    void app.restored.then(async () => {
      const [{ Keeper }, { Pace }] = await Promise.all([import('./keeper'), import('./pace')]);
      new Keeper(notebooks, { context, lookup, executing, pace: new Pace() });
    });
  }
}
