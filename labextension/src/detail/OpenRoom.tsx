import { useState } from 'react';
import type { ITime } from '../components/time';
import type { DetailTab, IContext } from '../context';
import { isOpen } from '../query';
import type { IRunDetail } from '../wire';
import type { DetailActions } from './actions';
import { AttemptSelect } from './components/AttemptSelect';
import { CostRoom } from './CostRoom';
import { EventsRoom } from './EventsRoom';
import { LogRoom } from './logs/LogRoom';
import { NotebookRoom } from './notebook/NotebookRoom';
import { OutputsRoom } from './OutputsRoom';
import type { RoomModels } from './room_models';
import { SpecRoom } from './SpecRoom';
import { UsageRoom } from './usage/UsageRoom';
import type { Visibility } from './visible';

/** A room that can be open. */
export type Room = Exclude<DetailTab, 'overview'>;

/** What all rooms are made of. */
export interface IRoomsProps {
  context: IContext;
  models: RoomModels;
  detail: IRunDetail;
  asOf: number;
  tab: DetailTab;
  asked: number;
  onTab: (tab: DetailTab) => void;
  visibility: Visibility;
  time: ITime;
  actions: DetailActions;
}

/** The room that is open, of the attempt that was chosen. */
export function OpenRoom(props: IRoomsProps & { room: Room }): JSX.Element {
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
