import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILayoutRestorer } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { ILauncher } from '@jupyterlab/launcher';
import { INotebookTracker } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { IRunningSessionManagers } from '@jupyterlab/running';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStateDB } from '@jupyterlab/statedb';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { RunActions } from './actions';
import { FlotillaApi } from './api';
import { addCards } from './card';
import { addCommands, currentNotebook } from './commands';
import type { IContext, IOpen } from './context';
import { keepFilters } from './kept';
import { addRunTabs } from './run_tabs';
import { RunsModel } from './runs';
import { runningSessions } from './running';
import type { Section } from './sidebar';
import { FlotillaSidebar } from './sidebar';
import { FlotillaStatusItem } from './statusbar';
import { Toasts } from './toasts';
import { IFlotilla } from './tokens';

const MAIN_ID = 'jupyter-flotilla:plugin';

/** The sidebar, the commands and whatever opens them; the tabs of runs. */
const main: JupyterFrontEndPlugin<IFlotilla> = {
  id: MAIN_ID,
  description: 'Shows and launches runs of Flotilla.',
  autoStart: true,
  provides: IFlotilla,
  optional: [
    ITranslator,
    INotebookTracker,
    ILayoutRestorer,
    IStateDB,
    ICommandPalette,
    ILauncher,
    IFileBrowserFactory
  ],
  activate: (
    app: JupyterFrontEnd,
    translator: ITranslator | null,
    notebooks: INotebookTracker | null,
    restorer: ILayoutRestorer | null,
    state: IStateDB | null,
    palette: ICommandPalette | null,
    launcher: ILauncher | null,
    files: IFileBrowserFactory | null
  ): IFlotilla => {
    const trans = (translator ?? nullTranslator).load('jupyter_flotilla');
    const api = new FlotillaApi(app.serviceManager.serverSettings);
    const model = new RunsModel(api);
    const show = (section: Section) => {
      app.shell.activateById(sidebar.id);
      sidebar.reveal(section);
    };
    const open: IOpen = {
      run: (id, tab) => void app.commands.execute('flotilla:open-run', tab ? { id, tab } : { id }),
      launch: what => {
        const path = currentNotebook(context);
        show('launch');
        if (what || path) {
          sidebar.launch.prepare(what ?? { kind: 'file', path });
        } else {
          sidebar.launch.focus();
        }
      },
      schedule: what => {
        const path = currentNotebook(context);
        show('launch');
        sidebar.launch.schedule(what ?? (path ? { kind: 'file', path } : undefined));
      },
      editSchedule: id => {
        show('launch');
        sidebar.launch.edit(id);
      },
      schedules: () => {
        show('schedules');
        void sidebar.schedules.focus();
      },
      runs: () => {
        show('runs');
        sidebar.runs.focus();
      }
    };
    const context: IContext = { api, model, app, trans, notebooks, files, state, open };
    const actions = new RunActions(app, model, trans);
    const sidebar = new FlotillaSidebar(context, actions);
    app.shell.add(sidebar, 'left', { rank: 600, type: 'Flotilla' });
    restorer?.add(sidebar, 'flotilla-sidebar');
    addRunTabs(context, restorer);
    addCommands(context, { actions, files, palette, launcher });
    notebooks?.currentChanged.connect(() => model.setNotebook(currentNotebook(context)));
    // what the server is asked must not make the application start later
    void app.restored
      .then(() => keepFilters(model, state))
      .then(filters => {
        model.setNotebook(currentNotebook(context));
        return model.start(filters);
      });
    return { context, actions };
  }
};

/** How many runs there are and what today cost. */
const statusItem: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-flotilla:status-bar',
  description: 'Shows in the status bar how many runs of Flotilla there are, and their cost.',
  autoStart: true,
  requires: [IFlotilla],
  optional: [IStatusBar],
  activate: (_: JupyterFrontEnd, flotilla: IFlotilla, statusBar: IStatusBar | null) => {
    statusBar?.registerStatusItem('jupyter-flotilla:status-item', {
      item: new FlotillaStatusItem(flotilla.context),
      align: 'left',
      rank: 90
    });
  }
};

/** Runs that go on, beside the kernels and terminals. */
const running: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-flotilla:running',
  description: 'Lists runs of Flotilla in the panel of what is running.',
  autoStart: true,
  requires: [IFlotilla],
  optional: [IRunningSessionManagers],
  activate: (
    _: JupyterFrontEnd,
    { context, actions }: IFlotilla,
    managers: IRunningSessionManagers | null
  ) => {
    managers?.add(runningSessions(context, actions));
  }
};

/** Notifications when runs end. */
const toasts: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-flotilla:notifications',
  description: 'Tells when runs of Flotilla have ended.',
  autoStart: true,
  requires: [IFlotilla],
  optional: [ISettingRegistry],
  activate: (
    _: JupyterFrontEnd,
    { context }: IFlotilla,
    registry: ISettingRegistry | null
  ) => {
    const shown = new Toasts(context);
    void registry?.load(MAIN_ID).then(
      settings => {
        const read = () => {
          shown.isOn = settings.get('notifyWhenRunsEnd').composite !== false;
        };
        settings.changed.connect(read);
        read();
      },
      () => undefined // without settings there are the defaults
    );
  }
};

/** Cards of runs among the outputs of notebooks. */
const card: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-flotilla:card',
  description: 'Draws the cards of runs of Flotilla, and keeps them true without a kernel.',
  autoStart: true,
  requires: [IFlotilla],
  optional: [IRenderMimeRegistry, INotebookTracker],
  activate: (
    _: JupyterFrontEnd,
    flotilla: IFlotilla,
    rendermime: IRenderMimeRegistry | null,
    notebooks: INotebookTracker | null
  ) => addCards(flotilla, rendermime, notebooks)
};

const plugins: JupyterFrontEndPlugin<unknown>[] = [main, statusItem, running, toasts, card];

export { IFlotilla };
export default plugins;
