import type { TranslationBundle } from '@jupyterlab/translation';
import { Cost } from '../../components/Cost';
import { Elapsed } from '../../components/Elapsed';
import { ProgressBar } from '../../components/ProgressBar';
import { StatusPill } from '../../components/StatusPill';
import type { ITime } from '../../components/time';
import { formatTime } from '../../format';
import { isOpen } from '../../query';
import type { IRow } from '../../row';
import type { IRunDetail } from '../../wire';
import type { DetailActions } from '../actions';
import { resourcesText } from '../words';

/** Who a run is, how it stands, and what can be done with it. */
export function Header(props: {
  detail: IRunDetail;
  row: IRow;
  time: ITime;
  actions: DetailActions;
  trans: TranslationBundle;
}): JSX.Element {
  const { detail, row, time, actions, trans } = props;
  const began = detail.started_at ?? detail.created_at;
  return (
    <div className="jp-Flotilla-header">
      <div className="jp-Flotilla-headline">
        <h1 title={detail.name}>
          <bdi>{detail.name}</bdi>
        </h1>
        <StatusPill run={detail} trans={trans} />
      </div>
      <Buttons detail={detail} actions={actions} trans={trans} />
      <p className="jp-Flotilla-meta">
        <button
          type="button"
          className="jp-Flotilla-link"
          title={trans.__('Copy the id %1', detail.id)}
          onClick={() => actions.copyId()}
        >
          {detail.short_id}
        </button>
        <span title={trans.__('Where it runs')}>
          {[detail.engine, detail.place].filter(Boolean).join(' · ')}
        </span>
        <span title={trans.__('What it may use')}>{resourcesText(detail.resources, trans)}</span>
        <time dateTime={began} title={began}>
          {formatTime(Date.parse(began), time.clock.now())}
        </time>
        <Elapsed run={detail} time={time} />
        <Cost row={row} time={time} trans={trans} />
        <span title={trans.__('Whose it is')}>
          <bdi>{detail.owner}</bdi>
        </span>
        {detail.retry_of && (
          <button
            type="button"
            className="jp-Flotilla-link"
            onClick={() => actions.openRun(detail.retry_of!)}
          >
            {trans.__('a retry of %1', detail.retry_of.slice(0, 7))}
          </button>
        )}
      </p>
      {detail.queue && <p className="jp-Flotilla-queue">{detail.queue}</p>}
      {isOpen(detail) && detail.progress && (
        <div className="jp-Flotilla-progressLine">
          <span>{barless(detail.progress.text)}</span>
          <ProgressBar progress={detail.progress} trans={trans} />
        </div>
      )}
    </div>
  );
}

/** Return the words of a progress without the bar that terminals are given: there is one here. */
export function barless(text: string): string {
  return text.replace(/[\u2580-\u259f]+\s*/g, '').replace(/^\|\s*\|/, '').trim();
}

function Buttons(props: {
  detail: IRunDetail;
  actions: DetailActions;
  trans: TranslationBundle;
}): JSX.Element {
  const { detail, actions, trans } = props;
  const isGoingOn = isOpen(detail);
  // without changes, what is suggested is the plain retry
  const isRepeat =
    detail.suggestion !== null && Object.keys(detail.suggestion.options).length === 0;
  const button = (label: string, onClick: () => void, kind?: 'primary') => (
    <button type="button" className="jp-Flotilla-button" data-kind={kind} onClick={onClick}>
      {label}
    </button>
  );
  return (
    <div className="jp-Flotilla-actions" role="group" aria-label={trans.__('Actions')}>
      {isGoingOn && !detail.cancel_requested_at && button(trans.__('Cancel…'), actions.cancel)}
      {!isGoingOn &&
        detail.suggestion &&
        button(detail.suggestion.label, actions.retryAsSuggested, 'primary')}
      {!isGoingOn && !isRepeat && button(trans.__('Retry'), actions.retry)}
      {!isGoingOn && button(trans.__('Retry with changes…'), actions.retryWithChanges)}
      {detail.notebook && button(actions.openLabel(detail), actions.openFile)}
      {!isGoingOn &&
        button(detail.is_kept ? trans.__('Keep no longer') : trans.__('Keep'), actions.keep)}
    </div>
  );
}
