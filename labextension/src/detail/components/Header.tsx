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
import { RunButtons } from './RunButtons';

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
      <RunButtons detail={detail} actions={actions} trans={trans} />
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
