import type { INotebookTracker } from '@jupyterlab/notebook';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { IFlotilla } from '../tokens';
import { openFromAddress } from './address';
import { cardFactory } from './renderer';
import type { CardRoom } from './room';

/** Before those of HTML and text, which every card has as well. */
const RANK = 0;

/**
 * Have cards of runs drawn, and the cells that have sent runs away kept true.
 *
 * What does that is fetched with the first card or notebook: Lab starts without it.
 */
export function addCards(
  { context, actions }: IFlotilla,
  rendermime: IRenderMimeRegistry | null,
  notebooks: INotebookTracker | null
): void {
  const { app, open, trans } = context;
  let found: Promise<CardRoom> | null = null;
  const room = () => {
    found ??= import('./room').then(({ CardRoom }) => new CardRoom(context, actions));
    // it is fetched again when it is wanted again
    found.catch(() => (found = null));
    return found;
  };
  rendermime?.addFactory(cardFactory(room, trans), RANK);
  void openFromAddress(window.location.search, app.restored, open);
  if (notebooks) {
    void app.restored
      .then(() => hasNotebook(notebooks))
      .then(room)
      .then(entered => entered.keep(notebooks));
  }
}

/** Wait until a notebook is open. */
async function hasNotebook(notebooks: INotebookTracker): Promise<void> {
  if (notebooks.size === 0) {
    await new Promise<void>(resolve => {
      const seen = () => {
        notebooks.widgetAdded.disconnect(seen);
        resolve();
      };
      notebooks.widgetAdded.connect(seen);
    });
  }
}
