import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { Widget } from '@lumino/widgets';
import { useLayoutEffect, useRef, useState } from 'react';
import type { IRecord } from '../../wire';
import { useHost } from '../host';

/** What one of Lab's own renderers makes of it. */
export function Drawn(props: {
  mime: string;
  data: NonNullable<IRecord['data']>;
  metadata: NonNullable<IRecord['metadata']>;
  rendermime: IRenderMimeRegistry;
}): JSX.Element {
  const { mime, data, metadata, rendermime } = props;
  const { trans } = useHost();
  const place = useRef<HTMLDivElement>(null);
  const [problem, setProblem] = useState('');
  useLayoutEffect(() => {
    const renderer = rendermime.createRenderer(mime);
    const model = rendermime.createModel({
      data: data as ReadonlyPartialJSONObject,
      metadata: metadata as ReadonlyPartialJSONObject,
      trusted: false
    });
    Widget.attach(renderer, place.current!);
    void drawn(renderer, model).then(setProblem);
    // before React takes the place away: a widget can only be detached from the page
    return () => renderer.dispose();
  }, [mime, data, metadata, rendermime]);
  return (
    <>
      {problem && (
        <p className="jp-Flotilla-aside">{trans.__('%1 cannot be shown: %2', mime, problem)}</p>
      )}
      <div className="jp-Flotilla-rich" ref={place} />
    </>
  );
}

async function drawn(
  renderer: IRenderMime.IRenderer,
  model: IRenderMime.IMimeModel
): Promise<string> {
  try {
    await renderer.renderModel(model);
    // a picture without a name says nothing to those who cannot see it
    for (const image of renderer.node.querySelectorAll('img:not([alt])')) {
      image.setAttribute('alt', '');
    }
    return '';
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
}
