import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { StatusPill } from '../../components/StatusPill';
import type { ITime } from '../../components/time';
import { PhaseBar } from '../../detail/components/PhaseBar';
import { formatTime, isolated, statusText } from '../../format';
import { isOpen } from '../../query';
import type { IRow } from '../../row';
import { useCardHost } from '../host';
import { useSeen } from '../seen';
import { useDetail } from '../use_detail';
import { CardAnswers } from './CardAnswers';
import { CardButtons } from './CardButtons';
import { CardFacts } from './CardFacts';

/** Does not beat: for what is out of sight. */
const STILL: ITime['ticker'] = { subscribe: () => () => undefined, count: () => 0 };

/** A run that is in the store, or was: how it stands, and what can be done with it. */
export function LiveCard(props: {
  row: IRow;
  /** Lines of the card as the notebook has it. */
  stored: readonly string[];
  isOld: boolean;
  isGone: boolean;
}): JSX.Element {
  const { row, stored, isOld, isGone } = props;
  const { run } = row;
  const { context, lookup, actions, time } = useCardHost();
  const { trans, model } = context;
  const place = useRef<HTMLDivElement>(null);
  const isSeen = useSeen(place);
  const isGoingOn = isOpen(run) && !isGone;
  const seenTime = isSeen && isGoingOn && !isOld ? time : { ...time, ticker: STILL };
  const wantsDetail = isSeen && !isGone && !isOld && (isGoingOn || run.status === 'FAILED');
  const detail = useDetail(model, run.id, wantsDetail);
  const retry = useSyncExternalStore(
    useCallback((callback: () => void) => lookup.subscribe(run.id, callback), [lookup, run.id]),
    () => lookup.retryOf(run.id)
  );
  const attempt = detail?.attempts[detail.attempts.length - 1];
  return (
    <div
      ref={place}
      className="jp-Flotilla-card"
      data-status={run.status}
      data-old={isOld || isGone || undefined}
      data-run={run.id}
      role="group"
      aria-label={trans.__('Run %1', isolated(run.name))}
    >
      <div className="jp-Flotilla-cardHead">
        <StatusPill run={run} trans={trans} />
        <b className="jp-Flotilla-cardName" title={run.name}>
          <bdi>{run.name}</bdi>
        </b>
        <span className="jp-Flotilla-cardId" title={run.id}>
          {run.short_id}
          {run.attempt > 1 && ` · ${trans.__('attempt %1', run.attempt)}`}
        </span>
        {!isGone && <CardButtons run={run} detail={detail} isDisabled={isOld} />}
      </div>
      <Announced text={statusText(run, trans)} />
      {isGoingOn && attempt && <PhaseBar attempt={attempt} time={seenTime} trans={trans} />}
      <CardFacts row={row} time={seenTime} trans={trans} />
      {run.status === 'FAILED' && run.message && (
        <pre className="jp-Flotilla-cardWhy" tabIndex={0}>
          {run.message.slice(0, 2000)}
        </pre>
      )}
      <CardAnswers run={run} trans={trans} />
      {stored.length > 0 && (
        <details className="jp-Flotilla-cardNote">
          <summary>{trans.__('As stored in this notebook')}</summary>
          <pre tabIndex={0}>{stored.join('\n')}</pre>
        </details>
      )}
      {retry && (
        <p className="jp-Flotilla-cardNote">
          {trans.__('Retried as')}{' '}
          <button type="button" className="jp-Flotilla-link" onClick={() => actions.open(retry.id)}>
            {retry.short_id}
          </button>
        </p>
      )}
      {isGone && (
        <p className="jp-Flotilla-cardNote">{trans.__('It was deleted: this is what was known.')}</p>
      )}
      {isOld && (
        <p className="jp-Flotilla-cardNote">
          {trans.__(
            'As of %1: the server cannot be reached.',
            formatTime(row.asOf, time.clock.now())
          )}
        </p>
      )}
    </div>
  );
}

/** Tells screen readers what has become of a run: its changes alone, not how it was found. */
function Announced(props: { text: string }): JSX.Element {
  const first = useRef(props.text);
  const [news, setNews] = useState('');
  useEffect(() => {
    if (props.text !== first.current) {
      first.current = '';
      setNews(props.text);
    }
  }, [props.text]);
  return (
    <span className="jp-Flotilla-announcer" role="status" aria-live="polite">
      {news}
    </span>
  );
}
