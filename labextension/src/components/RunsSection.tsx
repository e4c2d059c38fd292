import type { TranslationBundle } from '@jupyterlab/translation';
import type { KeyboardEvent } from 'react';
import { useCallback, useRef, useSyncExternalStore } from 'react';
import { isNarrowed, NO_FILTERS } from '../query';
import type { RunsModel } from '../runs';
import { Announcer } from './Announcer';
import { ConnectionNote } from './ConnectionNote';
import { EmptyNote } from './EmptyNote';
import { ErrorNote } from './ErrorNote';
import type { IRowActions } from './keys';
import { RunList } from './RunList';
import { RunsBar } from './RunsBar';
import type { ITime } from './time';

export interface IRunsSectionProps {
  model: RunsModel;
  actions: IRowActions;
  /** Launch something small, so that there is something to see. */
  onSample: () => void;
  time: ITime;
  trans: TranslationBundle;
}

/** The list of runs, its filters, and what is to be said about them. */
export function RunsSection(props: IRunsSectionProps): JSX.Element {
  const { model, actions, onSample, time, trans } = props;
  const shown = useSyncExternalStore(model.subscribe, model.snapshot);
  const search = useRef<HTMLInputElement>(null);
  const section = useRef<HTMLDivElement>(null);
  const onMore = useCallback(() => void model.more(), [model]);
  const rowOf = useCallback((id: string) => model.row(id), [model]);
  const onRetry = () => void model.retryNow();
  const focusList = () => {
    section.current?.querySelector<HTMLElement>('[data-run][tabindex="0"]')?.focus();
  };
  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    const isTyping = (event.target as HTMLElement).matches('input, select');
    if (event.key === '/' && !isTyping && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      search.current?.focus();
      search.current?.select();
    }
  };
  const { order, total, filters, error, connection, isLoading, hasLoaded } = shown;

  let body: JSX.Element | null = null;
  if (order.length) {
    body = (
      <RunList
        order={order}
        rowOf={rowOf}
        total={total}
        hasMore={shown.hasMore}
        onMore={onMore}
        list={filters}
        actions={actions}
        time={time}
        trans={trans}
      />
    );
  } else if (!hasLoaded && !error) {
    body = <p className="jp-Flotilla-loading">{trans.__('Loading…')}</p>;
  } else if (hasLoaded && !isLoading && isNarrowed(filters)) {
    body = (
      <EmptyNote
        text={trans.__('No run matches.')}
        action={trans.__('Clear filters')}
        onAction={() => model.setFilters({ ...NO_FILTERS, sort: filters.sort })}
      />
    );
  } else if (hasLoaded && !isLoading) {
    body = (
      <EmptyNote
        text={trans.__('No runs yet.')}
        action={trans.__('Run a sample here')}
        onAction={onSample}
      />
    );
  }
  return (
    <div className="jp-Flotilla-runs" ref={section} onKeyDown={onKeyDown}>
      <RunsBar
        filters={filters}
        subject={shown.subject}
        total={total}
        isLoading={isLoading}
        search={search}
        onChange={changes => model.setFilters(changes)}
        onLeave={focusList}
        trans={trans}
      />
      {error && connection !== 'offline' ? (
        <ErrorNote error={error} onRetry={onRetry} trans={trans} />
      ) : (
        <ConnectionNote
          connection={connection}
          heardAt={shown.heardAt}
          onRetry={onRetry}
          trans={trans}
        />
      )}
      {body}
      <Announcer model={model} trans={trans} />
    </div>
  );
}
