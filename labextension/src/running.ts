import type { IRunningSessions } from '@jupyterlab/running';
import type { RunActions } from './actions';
import type { IContext } from './context';
import { statusText } from './format';
import { flotillaIcon } from './icons';
import type { IRun } from './wire';

/** Runs that go on, as Lab's panel of what is running lists them; to shut one down cancels it. */
export function runningSessions(
  context: IContext,
  actions: RunActions
): IRunningSessions.IManager {
  const { model, trans, open } = context;
  const item = (run: IRun): IRunningSessions.IRunningItem => ({
    open: () => open.run(run.id),
    shutdown: () => void actions.cancelNow(run.id),
    icon: () => flotillaIcon,
    label: () => run.name,
    labelTitle: () => `${run.name}, ${run.place}`,
    detail: () => statusText(model.find(run.id) ?? run, trans),
    context: run.id
  });
  return {
    name: trans.__('Flotilla Runs'),
    running: () => model.openRuns.map(item),
    runningChanged: model.openChanged,
    refreshRunning: () => void model.refresh(),
    shutdownAll: () => model.openRuns.forEach(run => void actions.cancelNow(run.id)),
    shutdownLabel: trans.__('Cancel'),
    shutdownAllLabel: trans.__('Cancel All'),
    shutdownAllConfirmationText: trans.__('Cancel all runs that go on or wait?')
  };
}
