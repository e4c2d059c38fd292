import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { ReactWidget } from '@jupyterlab/ui-components';
import { lazy, Suspense } from 'react';
import type { IStoredCard } from './bundle';
import { MIME, readCard } from './bundle';
import { StoredText } from './components/StoredText';
import type { ICardHost } from './host';
import { CardContext } from './host';

// What a card is drawn with is fetched when the first one is in sight of the page.
const Card = lazy(async () => ({ default: (await import('./components/Card')).Card }));

/** Draws the card of a run wherever an output is drawn. */
export function cardFactory(host: ICardHost): IRenderMime.IRendererFactory {
  return {
    // it shows texts alone, and of a stored card those as texts only
    safe: true,
    mimeTypes: [MIME],
    createRenderer: () => new CardWidget(host)
  };
}

/** The card of a run: from the store where it is known there, else as it was stored. */
export class CardWidget extends ReactWidget implements IRenderMime.IRenderer {
  constructor(private _host: ICardHost) {
    super();
    this.addClass('jp-Flotilla-cardOutput');
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this._card = readCard(model.data[MIME]);
    this.update();
    await this.renderPromise;
  }

  protected render(): JSX.Element {
    const card = this._card;
    const { trans } = this._host.context;
    const stored = <StoredText lines={card.lines} trans={trans} />;
    return (
      <CardContext.Provider value={this._host}>
        <Suspense fallback={stored}>
          <Card key={card.runId} stored={card} />
        </Suspense>
      </CardContext.Provider>
    );
  }

  private _card: IStoredCard = { runId: null, lines: [] };
}
