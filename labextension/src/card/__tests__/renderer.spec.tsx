import { MimeModel, RenderMimeRegistry } from '@jupyterlab/rendermime';
import { MessageLoop } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import { act } from '@testing-library/react';
import { settle, trans } from '../../__tests__/fakes';
import { MIME } from '../bundle';
import { cardFactory } from '../renderer';
import type { CardRoom } from '../room';
import { RUN } from './notebooks';

const DATA = {
  [MIME]: { run_id: RUN, lines: ['<i>stored</i>'] },
  'text/html': '<b>html</b>',
  'text/plain': 'plain'
};

/** Draw a bundle as a notebook does; returns what is seen. */
async function drawn(room: () => Promise<CardRoom>, data: object = DATA): Promise<HTMLElement> {
  const rendermime = new RenderMimeRegistry({});
  defaultRenderers(rendermime);
  rendermime.addFactory(cardFactory(room, trans), 0);
  const model = new MimeModel({ data: data as typeof DATA, trusted: false });
  const renderer = rendermime.createRenderer(rendermime.preferredMimeType(model.data, 'ensure')!);
  Widget.attach(renderer, document.body);
  await act(async () => {
    const done = renderer.renderModel(model);
    MessageLoop.flush();
    await done;
    await settle();
  });
  return renderer.node;
}

const defaultRenderers = (rendermime: RenderMimeRegistry): void => {
  for (const [rank, mimeType] of ['text/html', 'text/plain'].entries()) {
    const factory = { safe: true, mimeTypes: [mimeType], createRenderer: () => new Widget() };
    rendermime.addFactory(factory as never, 50 + rank);
  }
};

describe('the renderer', () => {
  it('draws cards before any other of their types, in what is not trusted as well', async () => {
    const Card = ({ stored }: { stored: { runId: string } }) => <p>card of {stored.runId}</p>;

    const node = await drawn(async () => ({ Card, host: {} }) as unknown as CardRoom);

    expect(node.textContent).toBe(`card of ${RUN}`);
  });

  it('shows what was stored while nothing else is there, as text', async () => {
    const node = await drawn(() => new Promise(() => undefined));

    expect(node.querySelector('pre')!.textContent).toBe('<i>stored</i>');
  });

  it('shows what was stored where the rest cannot be had', async () => {
    const node = await drawn(() => Promise.reject(new Error('the server is away')));

    expect(node.querySelector('pre')!.textContent).toBe('<i>stored</i>');
  });

  it('says so where nothing was', async () => {
    const node = await drawn(() => new Promise(() => undefined), { [MIME]: 17 });

    expect(node.textContent).toBe('A card of a run, with nothing in it.');
  });
});
