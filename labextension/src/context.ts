import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import type { INotebookTracker } from '@jupyterlab/notebook';
import type { IStateDB } from '@jupyterlab/statedb';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { FlotillaApi } from './api';
import type { RunsModel } from './runs';
import type { What } from './wire';

/** The rooms of the tab of one run. */
export type DetailTab =
  | 'overview'
  | 'logs'
  | 'notebook'
  | 'outputs'
  | 'usage'
  | 'cost'
  | 'spec'
  | 'events';

/** How one part of the front end opens another. */
export interface IOpen {
  /** The tab of a run, in the main area. */
  run(id: string, tab?: DetailTab): void;
  /** The launch form, for something or for the notebook that is open. */
  launch(what?: What): void;
  /** The same form, for a schedule. */
  schedule(what?: What): void;
  /** The same form, to change a schedule. */
  editSchedule(id: string): void;
  /** The list of schedules. */
  schedules(): void;
  /** The list of runs. */
  runs(): void;
}

/** What every part of the front end is given. */
export interface IContext {
  api: FlotillaApi;
  model: RunsModel;
  app: JupyterFrontEnd;
  trans: TranslationBundle;
  /** Null where the application has no notebooks, or no tracker of them. */
  notebooks: INotebookTracker | null;
  /** Where files are chosen; null where the application has no file browser. */
  files?: IFileBrowserFactory | null;
  /** What survives a reload; null: nothing does. */
  state?: IStateDB | null;
  open: IOpen;
}
