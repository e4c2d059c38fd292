import type { TranslationBundle } from '@jupyterlab/translation';
import { formatTime } from '../format';
import type { Connection } from '../runs';

/** Says that what is shown may be old, and how old; nothing while all is well. */
export function ConnectionNote(props: {
  connection: Connection;
  heardAt: number | null;
  onRetry: () => void;
  trans: TranslationBundle;
}): JSX.Element | null {
  const { connection, heardAt, onRetry, trans } = props;
  if (connection === 'connecting' || connection === 'live') {
    return null;
  }
  if (connection === 'polling') {
    return (
      <div className="jp-Flotilla-note" data-kind="info">
        <p>{trans.__('No live connection; asking now and then.')}</p>
      </div>
    );
  }
  const text =
    heardAt === null
      ? trans.__('Server unreachable, trying again.')
      : trans.__(
          'Showing data of %1; server unreachable, trying again.',
          formatTime(heardAt, Date.now())
        );
  return (
    <div className="jp-Flotilla-note" data-kind="offline">
      <p>{text}</p>
      <button type="button" className="jp-Flotilla-button" onClick={onRetry}>
        {trans.__('Try now')}
      </button>
    </div>
  );
}
