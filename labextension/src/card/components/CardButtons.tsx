import { useLayoutEffect, useRef, useState, useSyncExternalStore } from 'react';
import type { FlotillaError } from '../../api';
import { asFlotillaError } from '../../api';
import { ErrorNote } from '../../components/ErrorNote';
import { isOpen } from '../../query';
import type { IRun, IRunDetail } from '../../wire';
import { useCardHost } from '../host';

type Doing = 'cancel' | 'detach' | 'retry';

/** What can be done with a run from its card; one thing at a time. */
export function CardButtons(props: {
  run: IRun;
  /** Null: it cannot be had; undefined: it was not yet. */
  detail: IRunDetail | null | undefined;
  /** The server cannot be reached. */
  isDisabled: boolean;
}): JSX.Element {
  const { run, detail, isDisabled } = props;
  const { context, actions, executing } = useCardHost();
  const { trans } = context;
  const [doing, setDoing] = useState<Doing | null>(null);
  const [error, setError] = useState<FlotillaError | null>(null);
  const group = useKeptFocus();
  const isAwaited = useSyncExternalStore(executing.subscribe, () => executing.has(run.id));
  const act = async (what: Doing, action: () => Promise<void>) => {
    if (doing !== null) {
      return;
    }
    setDoing(what);
    setError(null);
    await action().catch(thrown => setError(asFlotillaError(thrown)));
    setDoing(null);
  };
  const button = (what: Doing, label: string, action: () => Promise<void>, isPrimary = false) => (
    <button
      key={what}
      type="button"
      className="jp-Flotilla-button"
      data-kind={isPrimary ? 'primary' : undefined}
      disabled={isDisabled}
      // `disabled` would take the focus away from whoever has pressed it
      aria-disabled={doing !== null || undefined}
      aria-busy={doing === what || undefined}
      aria-label={`${label}: ${run.name}`}
      onClick={() => void act(what, action)}
    >
      {label}
    </button>
  );
  const { id } = run;
  const isGoingOn = isOpen(run);
  const isAsked = run.cancel_requested_at !== null;
  // undefined where it is not known yet what may help: a button must not become another
  const suggestion = run.status === 'FAILED' ? detail && detail.suggestion : null;
  return (
    <>
      <div
        ref={group}
        className="jp-Flotilla-cardButtons"
        role="group"
        aria-label={trans.__('Actions')}
      >
        {isGoingOn &&
          button(
            'cancel',
            isAsked ? trans.__('Cancel now') : trans.__('Cancel'),
            () => actions.cancel(id, isAsked)
          )}
        {isGoingOn && isAwaited && button('detach', trans.__('Detach'), () => actions.detach(id))}
        {!isGoingOn &&
          suggestion &&
          button('retry', suggestion.label, () => actions.retry(id, suggestion.options), true)}
        {!isGoingOn &&
          suggestion === null &&
          run.status !== 'SUCCEEDED' &&
          button('retry', trans.__('Retry'), () => actions.retry(id, {}))}
        <button
          type="button"
          className="jp-Flotilla-button"
          aria-label={`${trans.__('Open')}: ${run.name}`}
          onClick={() => actions.open(id)}
        >
          {trans.__('Open')}
        </button>
      </div>
      {error && <ErrorNote error={error} trans={trans} />}
    </>
  );
}

/** Keep the focus among buttons where the one that has it is taken away; returns their place. */
function useKeptFocus(): React.RefObject<HTMLDivElement> {
  const group = useRef<HTMLDivElement>(null);
  // asked while what is about to be taken away is still there
  const hadFocus = group.current?.contains(document.activeElement) ?? false;
  useLayoutEffect(() => {
    if (hadFocus && !group.current?.contains(document.activeElement)) {
      group.current?.querySelector<HTMLElement>('button:not(:disabled)')?.focus();
    }
  });
  return group;
}
