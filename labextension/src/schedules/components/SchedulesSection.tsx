import type { TranslationBundle } from '@jupyterlab/translation';
import { useEffect, useRef, useSyncExternalStore } from 'react';
import { EmptyNote } from '../../components/EmptyNote';
import { ErrorNote } from '../../components/ErrorNote';
import type { ITime } from '../../components/time';
import type { IScheduleDetail } from '../../wire';
import type { BackfillModel } from '../backfill';
import type { SchedulesModel } from '../model';
import { BackfillView } from './BackfillView';
import { HistoryView } from './HistoryView';
import type { IScheduleRowActions } from './keys';
import { ScheduleList } from './ScheduleList';
import { WakingNote } from './WakingNote';

export interface ISchedulesSectionProps {
  schedules: SchedulesModel;
  actions: IScheduleRowActions;
  /** Schedule the notebook that is open. */
  onSchedule: () => void;
  onOpenRun: (id: string) => void;
  onAgain: (id: string, scheduledAt: string) => void;
  makeBackfill: (detail: IScheduleDetail) => BackfillModel;
  onBackfill: (id: string, model: BackfillModel) => Promise<boolean>;
  onStopBackfill: (id: string) => void;
  time: ITime;
  trans: TranslationBundle;
}

/** The schedules: all in a list, or one closer. */
export function SchedulesSection(props: ISchedulesSectionProps): JSX.Element {
  const { schedules, actions, onSchedule, onOpenRun, onAgain, time, trans } = props;
  const shown = useSyncExternalStore(schedules.subscribe, schedules.snapshot);
  const section = useRef<HTMLDivElement>(null);
  const left = useRef<string | null>(null);
  const { view, detail, error, isLoading, hasLoaded, runs, wakingNote } = shown;
  useEffect(() => {
    if (view.kind !== 'list') {
      left.current = view.id;
    } else if (left.current !== null) {
      // the focus goes back to where one came from
      const row = `[data-schedule="${CSS.escape(left.current)}"]`;
      section.current?.querySelector<HTMLElement>(row)?.focus();
      left.current = null;
    }
  }, [view]);
  const onBack = () => schedules.show({ kind: 'list' });

  let body: JSX.Element | null = null;
  if (view.kind !== 'list') {
    body = detail && (
      view.kind === 'history' ? (
        <HistoryView
          detail={detail}
          runs={runs}
          onBack={onBack}
          onOpen={onOpenRun}
          onAgain={at => onAgain(detail.id, at)}
          onStop={() => props.onStopBackfill(detail.id)}
          time={time}
          trans={trans}
        />
      ) : (
        <BackfillView
          key={detail.id}
          detail={detail}
          make={() => props.makeBackfill(detail)}
          onRun={model => props.onBackfill(detail.id, model)}
          onStop={() => props.onStopBackfill(detail.id)}
          onBack={onBack}
          trans={trans}
        />
      )
    );
  } else if (shown.schedules.length) {
    body = (
      <ScheduleList
        schedules={shown.schedules}
        runs={runs}
        actions={actions}
        time={time}
        trans={trans}
      />
    );
  } else if (hasLoaded && !error) {
    body = (
      <EmptyNote
        text={trans.__('No schedules yet.')}
        action={trans.__('Schedule this notebook…')}
        onAction={onSchedule}
      />
    );
  }
  // it is said of what is shown, where there is any to wake
  const looked = view.kind === 'list' ? shown.schedules : detail ? [detail] : [];
  const hasLive = looked.some(
    one => one.paused_at === null && !one.is_over && one.where !== 'cloud'
  );
  const note = view.kind === 'list' ? wakingNote : (detail?.waking_note ?? null);
  return (
    <div className="jp-Flotilla-schedulesBody" ref={section} aria-busy={isLoading}>
      {error && <ErrorNote error={error} onRetry={() => void schedules.reload()} trans={trans} />}
      {body ?? (!error && <p className="jp-Flotilla-loading">{trans.__('Loading…')}</p>)}
      {hasLive && note && <WakingNote text={note} />}
    </div>
  );
}
