import { useCallback, useSyncExternalStore } from 'react';
import type { IStoredCard } from '../bundle';
import { useCardHost } from '../host';
import type { Known } from '../lookup';
import { LiveCard } from './LiveCard';
import { StoredText } from './StoredText';

/** What is known of nothing. */
const NO_RUN: Known = { state: 'elsewhere' };

/** The card of a run, in whichever way it is known. */
export function Card(props: { stored: IStoredCard }): JSX.Element {
  const { runId, lines } = props.stored;
  const { context, lookup } = useCardHost();
  const { trans, model } = context;
  const known = useSyncExternalStore(
    useCallback(
      (callback: () => void) => (runId ? lookup.subscribe(runId, callback) : () => undefined),
      [lookup, runId]
    ),
    () => (runId ? lookup.get(runId) : NO_RUN)
  );
  const isOffline = useSyncExternalStore(
    model.subscribe,
    () => model.snapshot().connection === 'offline'
  );
  switch (known.state) {
    case 'here':
      return <LiveCard row={known.row} stored={lines} isOld={isOffline} isGone={false} />;
    case 'gone':
      return <LiveCard row={known.row} stored={lines} isOld={false} isGone />;
    case 'elsewhere':
      return (
        <StoredText
          lines={lines}
          note={trans.__('As it was stored: this run is not in the store of this server.')}
          trans={trans}
        />
      );
    case 'asking': {
      const away = trans.__('As it was stored: the server cannot be asked about this run just now.');
      const note = isOffline || known.error ? away : undefined;
      return <StoredText lines={lines} note={note} trans={trans} />;
    }
  }
}
