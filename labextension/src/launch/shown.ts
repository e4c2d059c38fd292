import type { FlotillaError } from '../api';
import type { IEngine, IForm, IRun, IScheduleDetail, ITimes, Options } from '../wire';
import type { IKnown } from './asker';
import { NO_PARAMETERS } from './given_parameters';
import type { IReadParameters } from './parameters';
import type { IPlanned } from './planner';
import type { INotebookView, ISubject } from './subject';
import type { ITiming } from './timing';
import type { IWishes } from './wishes';
import { NO_WISHES } from './wishes';

/** How far the launch is that was asked for last. */
export type Progress =
  | { step: 'idle' }
  | { step: 'saving' }
  | { step: 'launching' }
  | { step: 'launched'; run: IRun; runs: number; isSaved: boolean }
  | { step: 'scheduled'; schedule: IScheduleDetail; note: string | null; isNew: boolean }
  /** Somebody else has changed the schedule since it was seen; null: it is not known how. */
  | { step: 'conflict'; error: FlotillaError; theirs: IScheduleDetail | null }
  | { step: 'failed'; error: FlotillaError };

/** All that the form shows; never changed, always replaced. */
export interface ILaunchSnapshot {
  subject: ISubject;
  /** There is something to launch. */
  hasSubject: boolean;
  /** Null: not asked for yet. */
  form: IForm | null;
  formError: FlotillaError | null;
  engine: IEngine | null;
  wishes: IWishes;
  /** What the parameters come to. */
  parameters: IReadParameters;
  /** What is sent of the options. */
  options: Options;
  planned: IPlanned;
  /** When it runs, where it is to be saved as a schedule; null: it is launched. */
  timing: ITiming | null;
  /** What that means. */
  times: IKnown<ITimes>;
  progress: Progress;
  /** Names of the parts that are open. */
  open: readonly string[];
}

/** Return what is shown before anything was asked or chosen. */
export function nothingShown(notebook: INotebookView): ILaunchSnapshot {
  return {
    subject: { choice: 'notebook', notebook, file: '', given: null },
    hasSubject: false,
    form: null,
    formError: null,
    engine: null,
    wishes: NO_WISHES,
    parameters: NO_PARAMETERS,
    options: {},
    planned: { plan: null, error: null, isStale: false },
    timing: null,
    times: { answer: null, error: null, isStale: false },
    progress: { step: 'idle' },
    open: []
  };
}
