import type { ISchedule } from '../../wire';

/** What can be done to the schedule of a row. */
export interface IScheduleRowActions {
  history(schedule: ISchedule): void;
  edit(schedule: ISchedule): void;
  pause(schedule: ISchedule): void;
  run(schedule: ISchedule): void;
  delete(schedule: ISchedule): void;
  /** Show the menu of a schedule; `onClose` is called when it is gone. */
  menu(schedule: ISchedule, x: number, y: number, onClose: () => void): void;
  /** Leave the list. */
  leave(): void;
}

/** The keys that do something to the schedule of a row; none of them spends money. */
export const SCHEDULE_KEYS: {
  [key: string]: 'history' | 'edit' | 'pause' | 'delete' | undefined;
} = { Enter: 'history', h: 'history', e: 'edit', p: 'pause', Delete: 'delete' };
