import type { TranslationBundle } from '@jupyterlab/translation';
import type { KeyboardEvent, MouseEvent } from 'react';
import { useRef } from 'react';
import { plainKey, rowAfter } from '../../components/keys';
import { useRovingFocus } from '../../components/roving';
import type { ITime } from '../../components/time';
import type { IRun, ISchedule } from '../../wire';
import type { IScheduleRowActions } from './keys';
import { SCHEDULE_KEYS } from './keys';
import { ScheduleRow } from './ScheduleRow';

/** Rows that PageDown goes by: there are few schedules. */
const PAGE = 5;

/** All schedules, by name; one is reached by Tab, the others by arrows. */
export function ScheduleList(props: {
  schedules: readonly ISchedule[];
  runs: ReadonlyMap<string, IRun>;
  actions: IScheduleRowActions;
  time: ITime;
  trans: TranslationBundle;
}): JSX.Element {
  const { schedules, runs, actions, time, trans } = props;
  const list = useRef<HTMLDivElement>(null);
  const order = schedules.map(one => one.id);
  const { activeIndex, focusOn, focusRow, onFocus } = useRovingFocus(order, list, 'schedule');
  const onMenu = (schedule: ISchedule, x: number, y: number) =>
    actions.menu(schedule, x, y, () => focusRow(schedule.id));
  const scheduleAt = (target: EventTarget) => {
    const row = (target as HTMLElement).closest<HTMLElement>('[data-schedule]');
    return schedules.find(one => one.id === row?.dataset.schedule);
  };
  /** Do what a key means; false: nothing. */
  const press = (event: KeyboardEvent<HTMLElement>, schedule: ISchedule): boolean => {
    const key = plainKey(event.key);
    const target = event.target as HTMLElement;
    const place = rowAfter(key, order.indexOf(schedule.id), PAGE, order.length);
    const action = SCHEDULE_KEYS[key];
    if (place !== undefined) {
      focusOn(place);
      document.activeElement?.scrollIntoView?.({ block: 'nearest' });
    } else if (key === 'Escape') {
      actions.leave();
    } else if (action && !(key === 'Enter' && target.tagName === 'BUTTON')) {
      actions[action](schedule);
    } else if (key === 'ContextMenu' || (event.shiftKey && key === 'F10')) {
      const box = target.getBoundingClientRect();
      onMenu(schedule, box.left + 24, box.bottom - 8);
    } else {
      return false;
    }
    return true;
  };
  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    const schedule = scheduleAt(event.target);
    const isForOthers = event.ctrlKey || event.metaKey || event.altKey;
    if (schedule && !isForOthers && press(event, schedule)) {
      event.preventDefault();
      event.stopPropagation();
    }
  };
  const onClick = (event: MouseEvent<HTMLElement>) => {
    const schedule = scheduleAt(event.target);
    if (schedule && (event.target as HTMLElement).closest('.jp-Flotilla-name bdi')) {
      actions.history(schedule);
    }
  };
  return (
    <div
      role="list"
      aria-label={trans.__('Schedules')}
      ref={list}
      onFocus={onFocus}
      onKeyDown={onKeyDown}
      onClick={onClick}
    >
      {schedules.map((schedule, at) => (
        <ScheduleRow
          key={schedule.id}
          schedule={schedule}
          run={runs.get(schedule.latest?.run_id ?? '')}
          position={at + 1}
          size={schedules.length}
          isActive={at === Math.max(0, activeIndex)}
          actions={actions}
          onMenu={onMenu}
          time={time}
          trans={trans}
        />
      ))}
    </div>
  );
}
