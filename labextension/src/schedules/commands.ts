import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import type { IContext } from '../context';
import type { ScheduleActions } from './actions';
import type { SchedulesModel } from './model';

/** Commands of the menu of a schedule, in order; null: a line. */
export const MENU: readonly (string | null)[] = [
  'flotilla:edit-schedule',
  'flotilla:schedule-history',
  'flotilla:clone-schedule',
  'flotilla:backfill-schedule',
  null,
  'flotilla:pause-schedule',
  'flotilla:run-schedule',
  null,
  'flotilla:delete-schedule'
];

/** Add the commands about one schedule: its id is their argument `id`. */
export function addScheduleCommands(
  context: IContext,
  schedules: SchedulesModel,
  actions: ScheduleActions
): void {
  const { trans, open, app } = context;
  const { commands } = app;
  const idOf = (args: ReadonlyPartialJSONObject) => String(args['id'] ?? '');
  const add = (
    name: string,
    label: string | ((args: ReadonlyPartialJSONObject) => string),
    execute: (id: string) => unknown
  ) => commands.addCommand(name, { label, execute: args => execute(idOf(args)) });
  add('flotilla:edit-schedule', trans.__('Edit…'), id => open.editSchedule(id));
  add('flotilla:schedule-history', trans.__('History'), id => {
    open.schedules();
    schedules.show({ kind: 'history', id });
  });
  add('flotilla:clone-schedule', trans.__('Clone…'), id => actions.clone(id));
  add('flotilla:backfill-schedule', trans.__('Backfill…'), id => {
    open.schedules();
    schedules.show({ kind: 'backfill', id });
  });
  add(
    'flotilla:pause-schedule',
    args => (actions.find(args['id'])?.paused_at ? trans.__('Resume') : trans.__('Pause')),
    id => actions.togglePause(id)
  );
  add('flotilla:run-schedule', trans.__('Run Now'), id => actions.runNow(id));
  add('flotilla:delete-schedule', trans.__('Delete…'), id => actions.delete(id));
}
