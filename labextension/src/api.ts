import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import type * as wire from './wire';

/** Why the server did not do what it was asked, and what to do about it. */
export class FlotillaError extends Error {
  constructor(
    message: string,
    /** Stable, for programs: `run-not-found`, `refused`; `unreachable` is ours. */
    readonly code: string,
    /** For people: what to do; null where nobody knows. */
    readonly next: string | null = null,
    /** The HTTP status; 0: there was no answer. */
    readonly status = 0
  ) {
    super(message);
    this.name = 'FlotillaError';
  }
}

/** Return whatever was thrown as one of our errors. */
export function asFlotillaError(thrown: unknown): FlotillaError {
  if (thrown instanceof FlotillaError) {
    return thrown;
  }
  return new FlotillaError(thrown instanceof Error ? thrown.message : String(thrown), 'unknown');
}

type Parameter = string | number | boolean | string[] | undefined;

/** Return `?a=1&b=2`; lists repeat their name, and nothing and empty text are left out. */
export function queryText(parameters: { [name: string]: Parameter }): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== '') {
        search.append(name, String(one));
      }
    }
  }
  const text = search.toString();
  return text && `?${text}`;
}

/** Return a path whose names are encoded one by one. */
function segments(...names: (string | number)[]): string {
  return names.map(name => encodeURIComponent(String(name))).join('/');
}

async function errorOf(response: Response): Promise<FlotillaError> {
  const { status, statusText } = response;
  let body: Partial<wire.IErrorBody> = {};
  try {
    body = (await response.json()) as Partial<wire.IErrorBody>;
  } catch {
    // a proxy's page, or nothing: the status is all there is
  }
  if (status === 404 && !body?.code) {
    return new FlotillaError(
      'this Jupyter server runs without Flotilla',
      'no-extension',
      'Enable it: jupyter server extension enable jupyter_flotilla, and start the server anew.',
      status
    );
  }
  return new FlotillaError(
    body?.message || `the server answered ${status} ${statusText}`.trim(),
    body?.code || `http-${status}`,
    body?.next ?? null,
    status
  );
}

/**
 * The routes of the server extension, one method each. Nothing else knows their addresses.
 *
 * Each one throws a {@link FlotillaError}.
 */
export class FlotillaApi {
  constructor(readonly serverSettings: ServerConnection.ISettings) {}

  /** Runs that match, a page of them. */
  runs(query: wire.IRunQuery = {}, signal?: AbortSignal): Promise<wire.IRunPage> {
    return this._get(`runs${queryText({ ...query })}`, signal);
  }

  /** Where everything stands. */
  status(): Promise<wire.IStatus> {
    return this._get('status');
  }

  /**
   * Launch. With `confirm`, what needs consent is refused (code `refused`), and the message says
   * what must be agreed to; repeat without it.
   */
  launch(what: wire.What, options: wire.Options, confirm = true): Promise<wire.IRunCreated> {
    return this._send('runs', { what, options, confirm });
  }

  /** What a launch would do and cost. */
  plan(what: wire.What, options: wire.Options, signal?: AbortSignal): Promise<wire.IPlan> {
    return this._send('plan', { what, options }, signal);
  }

  /** What a form to launch this is built of. */
  form(what?: wire.What): Promise<wire.IForm> {
    return this._send('form', what ? { what } : {});
  }

  /** Everything that is known of a run. */
  run(id: string): Promise<wire.IRunDetail> {
    return this._get(segments('runs', id));
  }

  /** Ask for a run to be stopped; its job has `grace_s` to end by itself. */
  cancel(id: string, graceS?: number): Promise<wire.IRun> {
    return this._send(`${segments('runs', id)}/cancel`, { grace_s: graceS });
  }

  /** Let every cell and terminal that waits for a run go on without it. */
  detach(id: string): Promise<wire.IRun> {
    return this._send(`${segments('runs', id)}/detach`, {});
  }

  /** Launch what was frozen for a run once more, with changes; `confirm` as for `launch`. */
  async retry(id: string, options: wire.Options = {}, confirm = true): Promise<wire.IRun> {
    const answer = await this._send<{ run: wire.IRun }>(`${segments('runs', id)}/retry`, {
      options,
      confirm
    });
    return answer.run;
  }

  /** Keep a run from being cleaned away, or no longer. */
  keep(id: string, isKept: boolean): Promise<wire.IRun> {
    return this._send(`${segments('runs', id)}/keep`, { is_kept: isKept });
  }

  /**
   * A piece of what an attempt has said: after a record, before one (0: the end), or, with
   * `wait_s`, as soon as there is more.
   */
  stream(
    id: string,
    query: {
      attempt?: number;
      after?: number;
      before?: number;
      limit?: number;
      wait_s?: number;
    },
    signal?: AbortSignal
  ): Promise<wire.IStreamPage> {
    return this._get(`${segments('runs', id)}/stream${queryText(query)}`, signal);
  }

  /**
   * A run as outputs of its cell; those whose digests are given come as null. With `wait_s`, as soon
   * as there is anything else, or it is final.
   */
  cell(
    id: string,
    query: { have?: string; wait_s?: number },
    signal?: AbortSignal
  ): Promise<wire.ICellOutputs> {
    return this._get(`${segments('runs', id)}/cell${queryText(query)}`, signal);
  }

  /** Where a text, or a kind of record, is in the stream. */
  searchStream(
    id: string,
    query: { attempt?: number; text?: string; kind?: string; after?: number; limit?: number },
    signal?: AbortSignal
  ): Promise<wire.IStreamHits> {
    return this._get(`${segments('runs', id)}/stream/search${queryText(query)}`, signal);
  }

  /** The executed notebook, as far as it is. */
  notebook(id: string): Promise<wire.IExecutedNotebook> {
    return this._get(`${segments('runs', id)}/notebook`);
  }

  /** Memory and CPU of an attempt over time. */
  usage(id: string, attempt?: number): Promise<wire.IUsagePoints> {
    return this._get(`${segments('runs', id)}/usage${queryText({ attempt })}`);
  }

  /** Where a file that an attempt brought back is; as a download, or to look at. */
  fileUrl(id: string, attempt: number, path: string, isDownload = true): string {
    const where = segments('runs', id, 'attempts', attempt, 'files', ...path.split('/'));
    return this._url(where + (isDownload ? '?download=1' : ''));
  }

  /** Where the typed file of an output is. */
  outputUrl(id: string, name: string): string {
    return this._url(segments('runs', id, 'outputs', name));
  }

  /** What runs have cost, by group. */
  costs(by: wire.CostGroup, since?: string): Promise<wire.ICosts> {
    return this._get(`costs${queryText({ by, since })}`);
  }

  /** The dearest runs, and those that paid most for nothing. */
  waste(since?: string, limit?: number): Promise<wire.IWaste> {
    return this._get(`costs/waste${queryText({ since, limit })}`);
  }

  /** Where jobs can run. */
  async engines(): Promise<wire.IEngine[]> {
    return (await this._get<{ engines: wire.IEngine[] }>('engines')).engines;
  }

  /** What is wrong with the set-up, if anything. */
  async doctor(): Promise<wire.IFinding[]> {
    return (await this._get<{ findings: wire.IFinding[] }>('doctor')).findings;
  }

  /** All settings and where they come from. */
  async settings(): Promise<wire.ISetting[]> {
    return (await this._get<{ settings: wire.ISetting[] }>('settings')).settings;
  }

  /** All schedules, by name. */
  schedules(): Promise<wire.ISchedules> {
    return this._get('schedules');
  }

  /** A schedule with what became of its ticks. */
  schedule(id: string): Promise<wire.IScheduleDetail> {
    return this._get(segments('schedules', id));
  }

  /** What times mean: in words, and the next moments. */
  times(asked: wire.ITimesAsked, signal?: AbortSignal): Promise<wire.ITimes> {
    return this._send('schedules/preview', asked, signal);
  }

  /** When a schedule would run, and what that would cost; `id`: of one as it would be edited. */
  planSchedule(
    asked: wire.IScheduleAsked,
    id?: string,
    signal?: AbortSignal
  ): Promise<wire.ISchedulePlan> {
    return this._send(id ? `${segments('schedules', id)}/plan` : 'schedules/plan', asked, signal);
  }

  /** Save a new schedule; `confirm` as for `launch`. */
  saveSchedule(asked: wire.IScheduleAsked, confirm = true): Promise<wire.IScheduleDetail> {
    return this._send('schedules', { ...asked, confirm });
  }

  /** Change a schedule; code `schedule-changed`: somebody else has, since that revision. */
  editSchedule(
    id: string,
    asked: wire.IScheduleAsked & { revision: number },
    confirm = true
  ): Promise<wire.IScheduleDetail> {
    return this._send(`${segments('schedules', id)}/edit`, { ...asked, confirm });
  }

  /** Let no tick of a schedule come, or let it go on. */
  pauseSchedule(id: string, isPaused: boolean): Promise<wire.IScheduleDetail> {
    return this._send(`${segments('schedules', id)}/${isPaused ? 'pause' : 'resume'}`, {});
  }

  /** Delete a schedule; its runs stay. */
  async deleteSchedule(id: string): Promise<void> {
    await this._send(`${segments('schedules', id)}/delete`, {});
  }

  /** Save a copy under another name, paused. */
  cloneSchedule(id: string, name: string): Promise<wire.IScheduleDetail> {
    return this._send(`${segments('schedules', id)}/clone`, { name });
  }

  /** Run a schedule's job at once; `scheduledAt`: one of its ticks again. */
  runSchedule(id: string, scheduledAt?: string): Promise<wire.IRunCreated> {
    const where = segments('schedules', id);
    return scheduledAt === undefined
      ? this._send(`${where}/run`, {})
      : this._send(`${where}/rerun`, { scheduled_at: scheduledAt });
  }

  /** Run ticks of the past; with `is_dry`, only say how many and what they cost at most. */
  backfill(id: string, asked: wire.IBackfillAsked): Promise<wire.IBackfill> {
    return this._send(`${segments('schedules', id)}/backfill`, asked);
  }

  /** Leave out what waits of a backfill; what runs goes on. */
  stopBackfill(id: string): Promise<wire.IBackfill> {
    return this._send(`${segments('schedules', id)}/backfill`, { stop: true });
  }

  /** Open the socket of changes, from a sequence number on. */
  openChanges(after: number): WebSocket {
    const { wsUrl, appendToken, token, WebSocket } = this.serverSettings;
    const query = queryText({ after, token: appendToken && token ? token : undefined });
    return new WebSocket(URLExt.join(wsUrl, 'flotilla/api/changes') + query);
  }

  private _url(path: string): string {
    return URLExt.join(this.serverSettings.baseUrl, 'flotilla/api') + '/' + path;
  }

  private _get<T>(path: string, signal?: AbortSignal): Promise<T> {
    return this._request<T>(path, { method: 'GET', signal });
  }

  private _send<T>(path: string, body: object, signal?: AbortSignal): Promise<T> {
    const headers = { 'Content-Type': 'application/json' };
    return this._request<T>(path, {
      method: 'POST',
      body: JSON.stringify(body),
      headers,
      signal
    });
  }

  private async _request<T>(path: string, init: RequestInit): Promise<T> {
    let response: Response;
    try {
      const url = this._url(path);
      // `no-store`, Lab's own choice, would add a parameter to each address
      const asked: RequestInit = { cache: 'no-cache', ...init };
      response = await ServerConnection.makeRequest(url, asked, this.serverSettings);
    } catch (thrown) {
      if (init.signal?.aborted) {
        throw new FlotillaError('given up, because it is no longer needed', 'aborted');
      }
      throw new FlotillaError(
        'the server cannot be reached',
        'unreachable',
        'Wait until the Jupyter server is back, or start it again.'
      );
    }
    if (!response.ok) {
      throw await errorOf(response);
    }
    try {
      return (await response.json()) as T;
    } catch {
      throw new FlotillaError('the answer of the server is no JSON', 'bad-answer');
    }
  }
}
