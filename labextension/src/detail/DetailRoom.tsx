import { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import type { Ticker } from '../clock';
import { ConnectionNote } from '../components/ConnectionNote';
import { ErrorNote } from '../components/ErrorNote';
import type { DetailTab, IContext } from '../context';
import type { IRun } from '../wire';
import { DetailActions } from './actions';
import { AttemptTable } from './components/AttemptTable';
import { Gone } from './components/Gone';
import { Header } from './components/Header';
import { PhaseBar } from './components/PhaseBar';
import { Why } from './components/Why';
import type { IHost } from './host';
import { HostContext } from './host';
import { RoomModels } from './room_models';
import { Rooms } from './Rooms';
import type { Visibility } from './visible';

export interface IDetailRoomProps {
  context: IContext;
  runId: string;
  tab: DetailTab;
  /** Grows each time that a tab is asked for, also for the same one again. */
  asked: number;
  visibility: Visibility;
  ticker: Ticker;
  /** What the run is called is known. */
  onNamed: (run: IRun) => void;
  /** Another of its rooms was opened. */
  onTab: (tab: DetailTab) => void;
  onClose: () => void;
}

/** Return the models of a run; they end with the tab. */
function useModels(context: IContext, runId: string): RoomModels {
  const models = useMemo(() => new RoomModels(context, runId), [context, runId]);
  useEffect(() => {
    void models.detail.refresh();
    return () => models.dispose();
  }, [models]);
  return models;
}

/** Return what the application draws with, as soon as it is there. */
function useApplication(context: IContext): IHost {
  const { app, trans } = context;
  const [host, setHost] = useState<IHost>({ rendermime: null, languages: null, trans });
  useEffect(() => {
    void Promise.all([
      app.resolveOptionalService(IRenderMimeRegistry),
      app.resolveOptionalService(IEditorLanguageRegistry)
    ]).then(([rendermime, languages]) => setHost({ rendermime, languages, trans }));
  }, [app, trans]);
  return host;
}

/** All that is known of one run. */
export function DetailRoom(props: IDetailRoomProps): JSX.Element {
  const { context, runId, visibility, ticker, onNamed, onClose } = props;
  const { trans, model } = context;
  const models = useModels(context, runId);
  const host = useApplication(context);
  const actions = useMemo(() => new DetailActions(context, models.detail), [context, models]);
  const shown = useSyncExternalStore(models.detail.subscribe, models.detail.snapshot);
  const { connection, heardAt } = useSyncExternalStore(model.subscribe, model.snapshot);
  const time = useRef({ clock: model.clock, ticker }).current;
  const { detail, error, isGone } = shown;
  const name = detail?.name;
  useEffect(() => {
    if (detail) {
      onNamed(detail);
    }
  }, [name]);
  const retry = () => void models.detail.refresh();

  if (isGone && !detail) {
    return <Gone runId={runId} onClose={onClose} trans={trans} />;
  }
  if (!detail) {
    return error ? (
      <div className="jp-Flotilla-detailBody">
        <ErrorNote error={error} onRetry={retry} trans={trans} />
      </div>
    ) : (
      <p className="jp-Flotilla-loading" role="status">
        {trans.__('Loading…')}
      </p>
    );
  }
  const latest = detail.attempts[detail.attempts.length - 1];
  return (
    <HostContext.Provider value={host}>
      <div className="jp-Flotilla-detailBody">
        {isGone && <Gone runId={runId} onClose={onClose} trans={trans} />}
        <ConnectionNote
          connection={connection}
          heardAt={heardAt}
          onRetry={() => void model.retryNow()}
          trans={trans}
        />
        {error && !isGone && connection !== 'offline' && (
          <ErrorNote error={error} onRetry={retry} trans={trans} />
        )}
        <Header
          detail={detail}
          row={{ run: detail, asOf: shown.asOf }}
          time={time}
          actions={actions}
          trans={trans}
        />
        <Why detail={detail} trans={trans} />
        {latest && <PhaseBar attempt={latest} time={time} trans={trans} />}
        {detail.attempts.length > 1 && (
          <AttemptTable attempts={detail.attempts} trans={trans} />
        )}
        <Rooms
          context={context}
          models={models}
          detail={detail}
          asOf={shown.asOf}
          tab={props.tab}
          asked={props.asked}
          onTab={props.onTab}
          visibility={visibility}
          time={time}
          actions={actions}
        />
      </div>
    </HostContext.Provider>
  );
}
