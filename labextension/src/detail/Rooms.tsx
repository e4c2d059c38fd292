import { useEffect, useId, useState } from 'react';
import type { IContext } from '../context';
import type { IRunDetail } from '../wire';
import type { ITab } from './components/Tabs';
import { Tabs } from './components/Tabs';
import type { IRoomsProps, Room } from './OpenRoom';
import { OpenRoom } from './OpenRoom';

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
  const { context, detail, tab, asked, onTab } = props;
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
        onOpen={key => {
          setOpen(key as Room);
          onTab(key as Room);
        }}
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
