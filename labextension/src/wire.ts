/**
 * What travels between the server extension and the front end: JSON, snake_case.
 *
 * Times are ISO 8601 in UTC, durations seconds (`*_s`), memory MiB, money US dollars. The shapes
 * are the server's own (generated.ts); here they have names, and what is free JSON there a type.
 */
import type { IOutput } from '@jupyterlab/nbformat';
import type { components } from './generated';

type Schemas = components['schemas'];

/** A value of JSON. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Options by the keyword of the Python API, as people write them. */
export type Options = { [keyword: string]: Json };

/** A shape of the server's, some of its fields known better. */
type With<Shape, Fields> = Omit<Shape, keyof Fields> & Fields;

/** What a run asked for, or an attempt got. */
export type IResources = Schemas['Resources'];
export type RunStatus = Schemas['RunStatus'];
/** Use of memory and CPU, now and at most. */
export type IUsage = Schemas['UsageOut'];
/** How far a job says it is. */
export type IProgress = Schemas['ProgressOut'];
/** One run, complete enough to draw its row. */
export type IRun = Schemas['RunOut'];
/** One page of a list of runs. */
export type IRunPage = Schemas['RunsPage'];

export type SortKey = 'created_at' | 'name' | 'status' | 'duration' | 'cost';

/** Which runs are asked for, in what order; what is left out does not narrow. */
export interface IRunQuery {
  status?: RunStatus[];
  /** Whole ids, at most 200. */
  ids?: string[];
  owner?: string;
  notebook?: string;
  /** `k=v` */
  tag?: string;
  engine?: string;
  since?: string;
  until?: string;
  text?: string;
  sort?: SortKey;
  order?: 'asc' | 'desc';
  /** At most 500. */
  limit?: number;
  cursor?: string;
}

/** Where everything stands. */
export type IStatus = Schemas['StatusOut'];

/** What can be launched. */
export type What =
  | { kind: 'file'; path: string }
  | { kind: 'source'; source: string; path?: string }
  | { kind: 'command'; argv: string[]; folder?: string }
  | { kind: 'retry'; run: string };

/** What was launched: one run, or a grid of them. */
export type IRunCreated = Schemas['RunCreated'];
/** What earlier runs of the same took. */
export type IExpectation = Schemas['Expectation'];
/** What a launch would do and cost. */
export type IPlan = With<
  Schemas['PlanOut'],
  { recommendation: { options: { memory?: string; cpu?: number }; text: string } | null }
>;
/** Where jobs can run. */
export type IEngine = Schemas['EngineOut'];
/** One option of the option table. */
export type IOption = Schemas['OptionOut'];
/** A parameter of a notebook. */
export type IParameter = With<
  Schemas['ParameterOut'],
  { type: 'int' | 'float' | 'str' | 'bool' | 'list' | 'dict' | null; default: Json }
>;
/** What a launch form is built of. */
export type IForm = With<
  Schemas['FormOut'],
  {
    parameters: IParameter[] | null;
    defaults: { [keyword: string]: { value: Json; source: string } };
  }
>;
/** What an hour costs, and who says so. */
export type IRate = Schemas['RateOut'];
/** One launch of a run. */
export type IAttempt = Schemas['AttemptOut'];
/** Everything that is known of a run. */
export type IRunDetail = With<
  Schemas['RunDetail'],
  {
    events: { seq: number; at: string; name: string; detail: Json }[];
    spec: { [field: string]: Json };
    suggestion: { label: string; options: Options } | null;
  }
>;

export type RecordKind =
  | 'stdout'
  | 'stderr'
  | 'display'
  | 'update'
  | 'result'
  | 'error'
  | 'clear'
  | 'cell'
  | 'progress'
  | 'metric';

/** One thing that a job has said; `text` may hold ANSI codes. */
export interface IRecord {
  seq: number;
  /** Seconds since 1970. */
  at: number;
  kind: RecordKind;
  cell: number | null;
  text?: string;
  data?: { [mime: string]: Json };
  metadata?: { [mime: string]: Json };
  display_id?: string;
  ename?: string;
  evalue?: string;
  traceback?: string[];
  total?: number | null;
  done?: number | null;
  message?: string | null;
  name?: string;
  value?: number;
  step?: number | null;
  wait?: boolean;
}

/** A piece of what an attempt has said. */
export type IStreamPage = With<Schemas['StreamOut'], { records: IRecord[] }>;
/** A run as outputs of its cell; null where whoever asked has the output already. */
export type ICellOutputs = With<Schemas['CellOut'], { outputs: (IOutput | null)[] }>;
/** Where a text was found in the stream. */
export type IStreamHits = Schemas['SearchOut'];
/** The executed notebook, as far as it is. */
export type IExecutedNotebook = With<
  Schemas['NotebookOut'],
  { notebook: { [key: string]: Json } }
>;
/** Use over time; `t` is seconds since the attempt's start. */
export type IUsagePoints = Schemas['UsageSeriesOut'];

export type CostGroup = 'notebook' | 'tag' | 'owner' | 'day' | 'name' | 'engine';
/** What a group of runs has cost. */
export type ICostRow = Schemas['CostOut'];
export type ICosts = Schemas['CostsOut'];
/** The dearest runs, and those that paid most for nothing. */
export type IWaste = Schemas['WasteOut'];
/** What one check of the doctor has found. */
export type IFinding = Schemas['FindingOut'];
/** A setting, and where its value comes from. */
export type ISetting = With<Schemas['SettingOut'], { value: Json }>;

/** A job that runs again and again. */
export type ISchedule = Schemas['ScheduleOut'];
export type IScheduleDetail = With<Schemas['ScheduleDetail'], { options: Options }>;
export type ISchedules = Schemas['SchedulesOut'];
/** One moment of a schedule, and what became of it. */
export type ITick = Schemas['TickOut'];
/** What times mean, in words and moments. */
export type ITimes = Schemas['PreviewOut'];
/** When a schedule would run, and what that would cost. */
export type ISchedulePlan = With<Schemas['SchedulePlanOut'], { plan: IPlan }>;
export type IBackfill = Schemas['BackfillOut'];
/** Times as they were typed. */
export type ITimesAsked = Partial<Schemas['PreviewIn']> & { when: string };
/** A schedule that is asked for, or what is to be changed of one. */
export interface IScheduleAsked {
  /** Null, in an edit: what it runs stays as it was saved. */
  what: Extract<What, { kind: 'file' | 'command' }> | null;
  options: Options;
  /** When, and by which rules, by their keywords. */
  schedule: Options;
}
/** A time whose ticks are to run. */
export type IBackfillAsked = { begin: string; end: string } & Partial<
  Omit<Schemas['BackfillIn'], 'begin' | 'end' | 'stop'>
>;

/** What comes over the socket of changes. */
export type Change =
  | { type: 'schedules'; now: string }
  | { type: 'hello'; seq: number; now: string; version: string }
  | { type: 'runs'; seq: number; now: string; runs: IRun[] }
  | { type: 'gone'; ids: string[] }
  | { type: 'reset'; seq: number }
  | ({ type: 'status' } & IStatus);

/** The body of every answer from 400 on. */
export type IErrorBody = Schemas['Error'];
