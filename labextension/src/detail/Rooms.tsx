import { useEffect, useId, useState } from 'react';
import type { ITime } from '../components/time';
import type { DetailTab, IContext } from '../context';
import { isOpen } from '../query';
import type { IRunDetail } from '../wire';
import type { DetailActions } from './actions';
import { AttemptSelect } from './components/AttemptSelect';
import type { ITab } from './components/Tabs';
import { Tabs } from './components/Tabs';
import { CostRoom } from './CostRoom';
import { EventsRoom } from './EventsRoom';
import { LogRoom } from './logs/LogRoom';
import { NotebookRoom } from './notebook/NotebookRoom';
import { OutputsRoom } from './OutputsRoom';
import type { RoomModels } from './room_models';
import { SpecRoom } from './SpecRoom';
import { UsageRoom } from './usage/UsageRoom';
import type { Visibility } from './visible';

type Room = Exclude<DetailTab, 'overview'>;

interface IRoomsProps {
  context: IContext;
  models: RoomModels;
  detail: IRunDetail;
  asOf: number;
  tab: DetailTab;
  asked: number;
  visibility: Visibility;
  time: ITime;
  actions: DetailActions;
}

function tabsOf(detail: IRunDetail, trans: IContext['trans']): ITab[] {
  const count = detail.outputs.length + detail.files.length;
  const tabs: { key: Room; label: string }[] = [
    { key: 'logs', label: trans.__('Logs') },
    { key: 'notebook', label: trans.__('Notebook') },
    { key: 'outputs', label: count ? trans.__('Outputs (%1)', count) : trans.__('Outputs') },
    { key: 'usage', label: trans.__('Usage') },
    { key: 'cost', label: trans.__('Cost') },
    { key: 'spec', label: trans.__('Spec') },
    { key: 'events', label: trans.__('Events') }
  ];
  // a command, or cells that were sent alone, has no notebook that is executed
  return tabs.filter(tab => tab.key !== 'notebook' || detail.kind === 'notebook');
}

/** The rooms of the tab of a run, one open at a time. */
export function Rooms(props: IRoomsProps): JSX.Element {
  const { context, detail, tab, asked } = props;
  const { trans } = context;
  const id = useId();
  const [open, setOpen] = useState<Room>(tab === 'overview' ? 'logs' : tab);
  useEffect(() => {
    if (tab !== 'overview') {
      setOpen(tab);
    }
  }, [tab, asked]);
  const tabs = tabsOf(detail, trans);
  const shown = tabs.some(one => one.key === open) ? open : 'logs';
  return (
    <div className="jp-Flotilla-rooms">
      <Tabs
        id={id}
        label={trans.__('What is known of the run')}
        tabs={tabs}
        open={shown}
        onOpen={key => setOpen(key as Room)}
      />
      <div
        className="jp-Flotilla-room"
        role="tabpanel"
        id={`${id}-panel`}
        aria-labelledby={`${id}-tab-${shown}`}
        tabIndex={0}
        data-room={shown}
      >
        <OpenRoom {...props} room={shown} />
      </div>
    </div>
  );
}

function OpenRoom(props: IRoomsProps & { room: Room }): JSX.Element {
  const { context, models, detail, asOf, room, visibility, time, actions } = props;
  const { trans, api } = context;
  const [chosen, setChosen] = useState<number>();
  const count = Math.max(1, detail.attempt);
  const attempt = chosen ?? count;
  const isGrowing = isOpen(detail) && attempt === count;
  const select = (
    <AttemptSelect count={count} chosen={chosen} onChoose={setChosen} trans={trans} />
  );
  const known = detail.attempts.find(one => one.number === attempt);
  switch (room) {
    case 'logs':
      return (
        <>
          {select}
          <LogRoom
            key={attempt}
            model={models.log(attempt, detail)}
            visibility={visibility}
            isGrowing={isGrowing}
            trans={trans}
          />
        </>
      );
    case 'notebook':
      return (
        <NotebookRoom
          model={models.notebook}
          visibility={visibility}
          isGrowing={isOpen(detail)}
          onOpenFile={detail.notebook ? actions.openFile : null}
          trans={trans}
        />
      );
    case 'outputs':
      return <OutputsRoom detail={detail} api={api} trans={trans} />;
    case 'usage':
      return (
        <>
          {select}
          <UsageRoom
            key={attempt}
            model={models.usage(attempt)}
            visibility={visibility}
            isGrowing={isGrowing}
            cpu={known?.resources.cpu ?? null}
            trans={trans}
          />
        </>
      );
    case 'cost':
      return (
        <CostRoom detail={detail} row={{ run: detail, asOf }} time={time} trans={trans} />
      );
    case 'spec':
      return <SpecRoom detail={detail} trans={trans} />;
    case 'events':
      return <EventsRoom detail={detail} trans={trans} />;
  }
}
