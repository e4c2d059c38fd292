import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { ComponentType } from 'react';
import { lazy, Suspense } from 'react';
import type { IStoredCard } from './bundle';
import { MIME, readCard } from './bundle';
import { StoredText } from './components/StoredText';
import { CardContext } from './host';
import type { CardRoom } from './room';

type Drawn = ComponentType<{ stored: IStoredCard }>;

/**
 * Draws the card of a run wherever an output is drawn.
 *
 * @param room - Fetches what a card is drawn with.
 */
export function cardFactory(
  room: () => Promise<CardRoom>,
  trans: TranslationBundle
): IRenderMime.IRendererFactory {
  const Stored: Drawn = ({ stored }) => <StoredText lines={stored.lines} trans={trans} />;
  const fetched = async (): Promise<{ default: Drawn }> => {
    const { Card, host } = await room();
    const Hosted: Drawn = ({ stored }) => (
      <CardContext.Provider value={host}>
        <Card stored={stored} />
      </CardContext.Provider>
    );
    return { default: Hosted };
  };
  // the server may be away just now
  const Live = lazy(() => fetched().catch(() => ({ default: Stored })));
  return {
    // it shows texts alone, and of a stored card those as texts only
    safe: true,
    mimeTypes: [MIME],
    createRenderer: () => new CardWidget(Live, Stored)
  };
}

/** The card of a run: from the store where it is known there, else as it was stored. */
export class CardWidget extends ReactWidget implements IRenderMime.IRenderer {
  constructor(
    private _live: Drawn,
    private _stored: Drawn
  ) {
    super();
    this.addClass('jp-Flotilla-cardOutput');
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this._card = readCard(model.data[MIME]);
    this.update();
    await this.renderPromise;
  }

  protected render(): JSX.Element {
    const [Live, Stored, card] = [this._live, this._stored, this._card];
    return (
      <Suspense fallback={<Stored stored={card} />}>
        <Live key={card.runId} stored={card} />
      </Suspense>
    );
  }

  private _card: IStoredCard = { runId: null, lines: [] };
}
