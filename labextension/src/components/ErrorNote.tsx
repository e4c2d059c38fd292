import type { TranslationBundle } from '@jupyterlab/translation';
import type { FlotillaError } from '../api';

/** What went wrong, what to do, and a way to try again. */
export function ErrorNote(props: {
  error: FlotillaError;
  onRetry?: () => void;
  trans: TranslationBundle;
}): JSX.Element {
  const { error, onRetry, trans } = props;
  return (
    <div className="jp-Flotilla-note" data-kind="error" role="alert">
      <p>{error.message}</p>
      {error.next && <p className="jp-Flotilla-next">{error.next}</p>}
      {onRetry && (
        <button type="button" className="jp-Flotilla-button" onClick={onRetry}>
          {trans.__('Try again')}
        </button>
      )}
    </div>
  );
}
