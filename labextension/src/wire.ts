/**
 * What travels between the server extension and the front end: JSON, snake_case.
 *
 * Times are ISO 8601 in UTC, durations seconds (`*_s`), memory MiB, money US dollars.
 */

/** What a run asked for, or an attempt got. */
export interface IResources {
  /** vCPU. */
  cpu: number;
  memory_mib: number | null;
  gpu: number;
  spot: boolean;
  arch: string;
  disk_gib: number | null;
}

export type RunStatus =
  | 'QUEUED'
  | 'PENDING'
  | 'RUNNING'
  | 'SUCCEEDED'
  | 'FAILED'
  | 'CANCELLED';

/** Use of memory and CPU, now and at most. */
export interface IUsage {
  memory_mib: number | null;
  peak_memory_mib: number | null;
  cpu_percent: number | null;
}

/** How far a job says it is. */
export interface IProgress {
  /** From 0 to 1; null where the total is unknown. */
  fraction: number | null;
  text: string;
}

/** One run, complete enough to draw its row. */
export interface IRun {
  id: string;
  short_id: string;
  name: string;
  kind: 'notebook' | 'cell' | 'command';
  status: RunStatus;
  phase: string | null;
  failure_kind: string | null;
  message: string | null;
  engine: string;
  place: string;
  owner: string;
  /** As it was submitted, absolute. */
  path: string | null;
  /** The same, relative to the server's root; null where it is not below it. */
  notebook: string | null;
  tags: { [name: string]: string };
  created_at: string;
  started_at: string | null;
  ended_at: string | null;
  cancel_requested_at: string | null;
  attempt: number;
  retry_of: string | null;
  grid_id: string | null;
  resources: IResources;
  progress: IProgress | null;
  usage: IUsage | null;
  /** Spent by all attempts up to `now` of the answer; null where no price is known. */
  cost_usd: number | null;
  /** What `cost_usd` grows by while it is RUNNING. */
  usd_per_h: number | null;
  /** False: nobody pays here, and `cost_usd` is what Fargate would have taken. */
  is_billed: boolean;
  ceiling_usd: number | null;
  /** The number of its latest event. */
  seq: number;
}

/** One page of a list of runs. */
export interface IRunPage {
  runs: IRun[];
  /** Where the next page begins; null: this was the last. */
  next: string | null;
  /** How many runs match, on all pages. */
  total: number;
  /** The latest change that is in the answer. */
  seq: number;
  now: string;
}

export type SortKey = 'created_at' | 'name' | 'status' | 'duration' | 'cost';

/** Which runs are asked for, in what order; what is left out does not narrow. */
export interface IRunQuery {
  status?: RunStatus[];
  owner?: string;
  notebook?: string;
  /** `k=v` */
  tag?: string[];
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
export interface IStatus {
  version: string;
  now: string;
  seq: number;
  counts: { [status: string]: number };
  cost_today_usd: number;
  cost_month_usd: number;
  monthly_budget_usd: number | null;
  is_billed: boolean;
  dispatcher: { alive: boolean; message: string };
  /** Whom the server runs as: the owner of what is submitted here. */
  owner: string;
}

/** What can be launched. */
export type What =
  | { kind: 'file'; path: string }
  | { kind: 'source'; source: string; path?: string }
  | { kind: 'command'; argv: string[]; folder?: string }
  | { kind: 'retry'; run: string };

/** A value of JSON. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Options by the keyword of the Python API, as people write them. */
export type Options = { [keyword: string]: Json };

/** What was launched: one run, or a grid of them. */
export interface IRunCreated {
  /** The first one of a grid. */
  run: IRun;
  /** Id of the grid; null: it is one run. */
  grid: string | null;
  runs: number;
}

/** What earlier runs of the same took. */
export interface IExpectation {
  runs: number;
  duration_p50_s: number;
  duration_p90_s: number;
  cost_p50_usd: number | null;
  cost_p90_usd: number | null;
}

/** What a launch would do and cost. */
export interface IPlan {
  name: string;
  engine: string;
  place: string;
  resources: IResources;
  timeout_s: number | null;
  usd_per_h: number | null;
  /** Nobody pays there; the price is Fargate's. */
  is_hypothetical: boolean;
  ceiling_usd: number | null;
  runs: number;
  expected: IExpectation | null;
  notes: string[];
  /** What has to be agreed to before the launch. */
  asks: string[];
  packages: string[];
  files: { path: string; size_bytes: number }[];
  month_usd: number;
  monthly_budget_usd: number | null;
  recommendation: { options: { memory?: string; cpu?: number }; text: string } | null;
  commands: { magic: string; cli: string; python: string };
}

/** Where jobs can run. */
export interface IEngine {
  name: string;
  ok: boolean;
  message: string;
  next: string | null;
  bills: boolean;
  is_default: boolean;
  /** Its jobs run in this machine's own environment, not in a container. */
  is_here: boolean;
  /** The only legal pairs; null: any. */
  sizes: { cpu: number; memory_mib: number[] }[] | null;
  /** Keywords of options that only some engines take, and this one does. */
  honours: string[];
  default: IResources;
}

/** One option of the option table. */
export interface IOption {
  name: string;
  keyword: string;
  field: string;
  label: string;
  metavar: string;
  help: string;
  group: string;
  alias: string | null;
  repeats: boolean;
  is_flag: boolean;
  is_of_some: boolean;
}

/** A parameter of a notebook. */
export interface IParameter {
  name: string;
  type: 'int' | 'float' | 'str' | 'bool' | 'list' | 'dict' | null;
  default: Json;
  default_text: string;
  help: string;
}

/** What a launch form is built of. */
export interface IForm {
  engines: IEngine[];
  options: IOption[];
  parameters: IParameter[] | null;
  profiles: string[];
  defaults: { [keyword: string]: { value: Json; source: string } };
}

/** What an hour costs, and who says so. */
export interface IRate {
  usd_per_h: number;
  source: string;
  region: string;
  provider?: string;
  [more: string]: Json | undefined;
}

/** One launch of a run. */
export interface IAttempt {
  number: number;
  engine: string;
  place: string;
  resources: IResources;
  phase: string | null;
  phases: { [phase: string]: string };
  claimed_at: string | null;
  started_at: string | null;
  ended_at: string | null;
  duration_s: number | null;
  exit_code: number | null;
  signal: number | string | null;
  failure_kind: string | null;
  message: string | null;
  failed_cell: number | null;
  next_step: string | null;
  usage: IUsage | null;
  charge_usd: number | null;
  billed_s: number | null;
  rate: IRate | null;
  last_lines: string[];
}

/** Everything that is known of a run. */
export interface IRunDetail extends IRun {
  attempts: IAttempt[];
  events: { seq: number; at: string; name: string; detail: Json }[];
  spec: { [field: string]: Json };
  explanation: string;
  suggestion: { label: string; options: Options } | null;
  queue: string;
  outputs: { name: string; type: string; size_bytes: number }[];
  files: { attempt: number; path: string; size_bytes: number }[];
  has_notebook: boolean;
  status_text: string;
  cost_text: string;
}

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
export interface IStreamPage {
  attempt: number;
  records: IRecord[];
  /** Number of the first record; 0: there is none. */
  first: number;
  last: number;
  at_start: boolean;
  at_end: boolean;
  /** Nothing will follow. */
  is_over: boolean;
}

/** Where a text was found in the stream. */
export interface IStreamHits {
  hits: { seq: number; text: string }[];
  at_end: boolean;
  last: number;
}

/** The executed notebook, as far as it is. */
export interface IExecutedNotebook {
  notebook: { [key: string]: Json };
  path: string | null;
  is_final: boolean;
}

/** Use over time; `t` is seconds since the attempt's start. */
export interface IUsagePoints {
  points: { t: number; memory_mib: number | null; cpu_percent: number | null }[];
  limit_mib: number | null;
}

export type CostGroup = 'notebook' | 'tag' | 'owner' | 'day' | 'name' | 'engine';

/** What a group of runs has cost. */
export interface ICostRow {
  group: string;
  engine: string;
  is_billed: boolean;
  runs: number;
  attempts: number;
  usd: number | null;
  failed_usd: number | null;
}

export interface ICosts {
  rows: ICostRow[];
  since: string;
}

/** The dearest runs, and those that paid most for nothing. */
export interface IWaste {
  expensive: { run: IRun; usd: number }[];
  wasteful: { run: IRun; usd: number; text: string }[];
}

/** What one check of the doctor has found. */
export interface IFinding {
  name: string;
  ok: boolean;
  message: string;
  next: string | null;
}

/** A setting, and where its value comes from. */
export interface ISetting {
  name: string;
  value: Json;
  source: string;
  description: string;
}

/** What comes over the socket of changes. */
export type Change =
  | { type: 'hello'; seq: number; now: string; version: string }
  | { type: 'runs'; seq: number; now: string; runs: IRun[] }
  | { type: 'gone'; ids: string[] }
  | { type: 'reset'; seq: number }
  | ({ type: 'status' } & IStatus);

/** The body of every answer from 400 on. */
export interface IErrorBody {
  code: string;
  message: string;
  /** What to do. */
  next: string | null;
}
