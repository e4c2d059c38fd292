import type { TranslationBundle } from '@jupyterlab/translation';
import type { LabIcon } from '@jupyterlab/ui-components';
import { ellipsesIcon, runIcon } from '@jupyterlab/ui-components';
import type { ITime } from '../../components/time';
import { pauseIcon, resumeIcon } from '../../icons';
import type { IRun, ISchedule } from '../../wire';
import { haltText, unplacedText } from '../words';
import type { IScheduleRowActions } from './keys';
import { Last } from './Last';
import { Next } from './Next';
import { Placement } from './Placement';

export interface IScheduleRowProps {
  schedule: ISchedule;
  /** The run of its latest tick, where it is known. */
  run: IRun | undefined;
  position: number;
  size: number;
  /** It is the one that Tab reaches. */
  isActive: boolean;
  actions: IScheduleRowActions;
  onMenu: (schedule: ISchedule, x: number, y: number) => void;
  time: ITime;
  trans: TranslationBundle;
}

/** One schedule: its name, when it runs, when next, how it went last, and what can be done. */
export function ScheduleRow(props: IScheduleRowProps): JSX.Element {
  const { schedule, run, position, size, isActive, actions, onMenu, time, trans } = props;
  const { name, when_text, latest } = schedule;
  const isPaused = schedule.paused_at !== null;
  const halt = haltText(schedule, trans);
  const isCloud = schedule.where === 'cloud';
  const said = [name, when_text, isCloud && trans.__('AWS starts it'), unplacedText(schedule, trans), halt];
  const button = (label: string, icon: LabIcon, onClick: () => void) => (
    <button
      type="button"
      className="jp-Flotilla-more"
      tabIndex={isActive ? 0 : -1}
      aria-label={label}
      title={label}
      onClick={onClick}
    >
      <icon.react tag="span" />
    </button>
  );
  return (
    <div
      className="jp-Flotilla-schedule"
      role="listitem"
      data-schedule={schedule.id}
      data-paused={isPaused || undefined}
      tabIndex={isActive ? 0 : -1}
      aria-posinset={position}
      aria-setsize={size}
      aria-label={said.filter(Boolean).join(', ')}
      onContextMenu={event => {
        event.preventDefault();
        event.stopPropagation();
        onMenu(schedule, event.clientX, event.clientY);
      }}
    >
      <span className="jp-Flotilla-name" title={name}>
        <bdi>{name}</bdi>
      </span>
      <span className="jp-Flotilla-rowButtons">
        {isPaused
          ? button(trans.__('Resume %1', name), resumeIcon, () => actions.pause(schedule))
          : button(trans.__('Pause %1', name), pauseIcon, () => actions.pause(schedule))}
        {button(trans.__('Run %1 now', name), runIcon, () => actions.run(schedule))}
        <button
          type="button"
          className="jp-Flotilla-more"
          tabIndex={isActive ? 0 : -1}
          aria-haspopup="menu"
          aria-label={trans.__('Actions of %1', name)}
          title={trans.__('On a row: Enter shows its history, E edits, P pauses, Del deletes')}
          onClick={event => {
            const { left, bottom } = event.currentTarget.getBoundingClientRect();
            onMenu(schedule, left, bottom);
          }}
        >
          <ellipsesIcon.react tag="span" />
        </button>
      </span>
      <span className="jp-Flotilla-whenLine">
        <span className="jp-Flotilla-when" title={`${when_text}\n${schedule.what_text}`}>
          <bdi>{when_text}</bdi>
        </span>
        {isCloud && (
          <span className="jp-Flotilla-where" title={trans.__('AWS starts it, whatever is switched off here')}>
            {trans.__('cloud')}
          </span>
        )}
      </span>
      <Placement schedule={schedule} trans={trans} />
      <Next schedule={schedule} time={time} trans={trans} />
      {latest && <Last tick={latest} run={run} trans={trans} />}
    </div>
  );
}
