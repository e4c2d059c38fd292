import type { TranslationBundle } from '@jupyterlab/translation';

/** How many ticks of a backfill wait, and a button that leaves them out; nothing where none does. */
export function WaitingBackfill(props: {
  count: number;
  onStop: () => void;
  trans: TranslationBundle;
}): JSX.Element | null {
  const { count, onStop, trans } = props;
  if (count === 0) {
    return null;
  }
  return (
    <p className="jp-Flotilla-waitingBackfill">
      <span>
        {trans._n('%1 moment of a backfill waits.', '%1 moments of a backfill wait.', count)}
      </span>
      <button
        type="button"
        className="jp-Flotilla-button"
        title={trans.__('What waits is left out; what runs goes on')}
        onClick={onStop}
      >
        {trans.__('Stop the backfill')}
      </button>
    </p>
  );
}
