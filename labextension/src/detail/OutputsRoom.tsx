import type { TranslationBundle } from '@jupyterlab/translation';
import type { FlotillaApi } from '../api';
import { formatBytes, formatCount } from '../format';
import type { IRunDetail } from '../wire';
import { FileRow } from './components/FileRow';

/** More files than this are listed by the command line. */
const MOST_FILES = 500;

/** The values and files that a run has given back. */
export function OutputsRoom(props: {
  detail: IRunDetail;
  api: FlotillaApi;
  trans: TranslationBundle;
}): JSX.Element {
  const { detail, api, trans } = props;
  const { outputs, files } = detail;
  const attempts = new Set(files.map(file => file.attempt));
  if (outputs.length === 0 && files.length === 0) {
    return (
      <p className="jp-Flotilla-loading">
        {detail.ended_at
          ? trans.__('It has given back no values and no files.')
          : trans.__('Values and files are here when it has ended.')}
      </p>
    );
  }
  return (
    <div className="jp-Flotilla-outputs">
      {outputs.length > 0 && (
        <table className="jp-Flotilla-table">
          <caption>{trans.__('Values')}</caption>
          <thead>
            <tr>
              <th scope="col">{trans.__('Name')}</th>
              <th scope="col">{trans.__('Type')}</th>
              <th scope="col" data-number>
                {trans.__('Size')}
              </th>
            </tr>
          </thead>
          <tbody>
            {outputs.map(output => (
              <tr key={output.name}>
                <th scope="row">
                  <a href={api.outputUrl(detail.id, output.name)} download>
                    <bdi>{output.name}</bdi>
                  </a>
                </th>
                <td>{output.type}</td>
                <td data-number>{formatBytes(output.size_bytes)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {files.length > 0 && (
        <table className="jp-Flotilla-table">
          <caption>{trans.__('Files')}</caption>
          <thead>
            <tr>
              <th scope="col">{trans.__('Path')}</th>
              {attempts.size > 1 && <th scope="col">{trans.__('Attempt')}</th>}
              <th scope="col" data-number>
                {trans.__('Size')}
              </th>
            </tr>
          </thead>
          <tbody>
            {files.slice(0, MOST_FILES).map(file => (
              <FileRow
                key={`${file.attempt}/${file.path}`}
                file={file}
                url={isSaved => api.fileUrl(detail.id, file.attempt, file.path, isSaved)}
                hasAttempt={attempts.size > 1}
                trans={trans}
              />
            ))}
          </tbody>
        </table>
      )}
      {files.length > MOST_FILES && (
        <p className="jp-Flotilla-aside">
          {trans.__(
            '… %1 more: jupyter flotilla download %2',
            formatCount(files.length - MOST_FILES),
            detail.short_id
          )}
        </p>
      )}
    </div>
  );
}
