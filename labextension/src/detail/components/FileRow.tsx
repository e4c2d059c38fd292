import type { TranslationBundle } from '@jupyterlab/translation';
import { formatBytes } from '../../format';
import type { IRunDetail } from '../../wire';

/** What a browser shows as an image, and the server serves as one. */
const IMAGE = /\.(png|jpe?g|gif|webp)$/i;
/** Larger ones, in bytes, are for downloading only. */
const MOST_PREVIEW = 10_000_000;

/** A file that a run has brought back: a link that saves it, and a preview of a picture. */
export function FileRow(props: {
  file: IRunDetail['files'][number];
  url: (isSaved: boolean) => string;
  hasAttempt: boolean;
  trans: TranslationBundle;
}): JSX.Element {
  const { file, url, hasAttempt, trans } = props;
  const hasPreview = IMAGE.test(file.path) && file.size_bytes <= MOST_PREVIEW;
  return (
    <tr>
      <th scope="row">
        <a href={url(true)} download>
          <bdi>{file.path}</bdi>
        </a>
        {hasPreview && (
          <img
            className="jp-Flotilla-preview"
            src={url(false)}
            alt={trans.__('Preview of %1', file.path)}
            loading="lazy"
          />
        )}
      </th>
      {hasAttempt && <td>{file.attempt}</td>}
      <td data-number>{formatBytes(file.size_bytes)}</td>
    </tr>
  );
}
