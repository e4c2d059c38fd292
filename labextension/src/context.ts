import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { INotebookTracker } from '@jupyterlab/notebook';
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
  open: IOpen;
}
