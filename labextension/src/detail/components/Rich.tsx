import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { memo } from 'react';
import { formatBytes } from '../../format';
import type { IRecord } from '../../wire';
import { useHost } from '../host';
import { textOf } from '../logs/lines';
import { Drawn } from './Drawn';
import { SvgImage } from './SvgImage';
import { TextBlock } from './TextBlock';

const SVG = 'image/svg+xml';
/** What is larger, in characters, would hold up the page while it is sanitised and laid out. */
const MOST = 1_000_000;
const MOST_IMAGE = 30_000_000;

/** Return the kind of a bundle that is drawn: only those that are safe whatever is in them. */
export function chosenMime(
  data: NonNullable<IRecord['data']>,
  rendermime: IRenderMimeRegistry
): string | null {
  const safe = rendermime.preferredMimeType(data as ReadonlyPartialJSONObject, 'ensure') ?? null;
  // as the source of an image, SVG can run nothing and load nothing
  const isPoor = safe === null || safe === 'text/plain';
  return isPoor && typeof textOf(data[SVG]) === 'string' && textOf(data[SVG]) ? SVG : safe;
}

/** A display or result that a job has made: drawn by Lab as it draws what is not trusted. */
export const Rich = memo(function Rich(props: {
  data: NonNullable<IRecord['data']>;
  metadata: IRecord['metadata'];
}): JSX.Element {
  const { data, metadata } = props;
  const { rendermime, trans } = useHost();
  if (rendermime === null) {
    return <TextBlock text={textOf(data['text/plain'])} />;
  }
  const mime = chosenMime(data, rendermime);
  if (mime === null) {
    const kinds = Object.keys(data).slice(0, 5).join(', ').slice(0, 200);
    return <p className="jp-Flotilla-aside">{trans.__('Not shown here: %1', kinds)}</p>;
  }
  const size = sizeOf(data[mime]);
  if (size > (mime.startsWith('image/') ? MOST_IMAGE : MOST) && mime !== 'text/plain') {
    return (
      <>
        <p className="jp-Flotilla-aside">
          {trans.__('Too large to be shown here: %1 of %2', formatBytes(size), mime)}
        </p>
        <TextBlock text={textOf(data['text/plain'])} />
      </>
    );
  }
  if (mime === SVG) {
    return <SvgImage source={textOf(data[SVG])} />;
  }
  if (mime === 'text/plain') {
    return <TextBlock text={textOf(data[mime])} />;
  }
  return <Drawn mime={mime} data={data} metadata={metadata ?? {}} rendermime={rendermime} />;
});

function sizeOf(value: unknown): number {
  return typeof value === 'string' ? value.length : (JSON.stringify(value) ?? '').length;
}
