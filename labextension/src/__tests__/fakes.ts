/** Runs, pages and a server, as tests need them. */
import { ServerConnection } from '@jupyterlab/services';
import { nullTranslator } from '@jupyterlab/translation';
import type { IRun, IRunPage, IStatus } from '../wire';

export const trans = nullTranslator.load('jupyter_flotilla');

export const NOW = '2026-11-26T10:00:00.000000Z';

/** A run that has succeeded, but for what is said. */
export function aRun(fields: Partial<IRun> = {}): IRun {
  const id = fields.id ?? 'r000000000001';
  return {
    id,
    short_id: id.slice(0, 7),
    name: 'train',
    kind: 'notebook',
    status: 'SUCCEEDED',
    phase: null,
    failure_kind: null,
    message: null,
    engine: 'process',
    place: 'this machine',
    owner: 'ada',
    path: '/home/ada/train.ipynb',
    notebook: 'train.ipynb',
    cell_id: null,
    tags: {},
    created_at: '2026-11-26T09:00:00.000000Z',
    started_at: '2026-11-26T09:00:01.000000Z',
    ended_at: '2026-11-26T09:01:01.000000Z',
    cancel_requested_at: null,
    attempt: 1,
    retry_of: null,
    grid_id: null,
    resources: { cpu: 2, memory_mib: 4096, gpu: 0, spot: false, arch: 'x86_64', disk_gib: null },
    progress: null,
    usage: null,
    cost_usd: 0.01,
    usd_per_h: null,
    is_billed: true,
    ceiling_usd: null,
    seq: 1,
    ...fields
  };
}

/** A run that runs. */
export function aRunningRun(fields: Partial<IRun> = {}): IRun {
  return aRun({ status: 'RUNNING', ended_at: null, usd_per_h: 3.6, ...fields });
}

/** Many runs, newest first; the first is number 0. */
export function manyRuns(count: number, fields: Partial<IRun> = {}): IRun[] {
  const begin = Date.parse('2026-11-26T08:00:00Z');
  return Array.from({ length: count }, (_, n) =>
    aRun({
      id: `r${String(n).padStart(12, '0')}`,
      name: `run-${n}`,
      created_at: new Date(begin - n * 1000).toISOString(),
      ...fields
    })
  );
}

export function aPage(runs: IRun[], fields: Partial<IRunPage> = {}): IRunPage {
  return { runs, next: null, total: runs.length, seq: 1, now: NOW, ...fields };
}

export function aStatus(fields: Partial<IStatus> = {}): IStatus {
  return {
    version: '1',
    now: NOW,
    seq: 1,
    counts: { RUNNING: 3 },
    cost_today_usd: 0.42,
    cost_month_usd: 18.1,
    monthly_budget_usd: 50,
    dispatcher: { alive: true, message: '' },
    owner: 'ada',
    ...fields
  };
}

/** A socket that the test holds the other end of. */
export class FakeSocket {
  static all: FakeSocket[] = [];
  static get last(): FakeSocket {
    return FakeSocket.all[FakeSocket.all.length - 1];
  }

  constructor(readonly url: string) {
    FakeSocket.all.push(this);
  }

  onmessage: ((event: MessageEvent) => void) | null = null;
  onclose: (() => void) | null = null;
  isClosed = false;

  close(): void {
    this.isClosed = true;
  }

  /** What the front end has told the server. */
  told: { type: string; notebooks?: string[] }[] = [];

  /** Text is what the front end tells the server, an object what the server tells the front end. */
  send(change: object | string): void {
    if (typeof change === 'string') {
      this.told.push(JSON.parse(change) as FakeSocket['told'][0]);
      return;
    }
    this.onmessage?.({ data: JSON.stringify(change) } as MessageEvent);
  }

  break(): void {
    this.onclose?.();
  }
}

/** What a server answers: path (from `api/` on) and body to status and JSON. */
export type Answer = (path: string, body: unknown) => { status?: number; json?: unknown } | null;

/** A server that answers as told; null means that it cannot be reached. */
export class FakeServer {
  constructor(public answer: Answer) {
    FakeSocket.all = [];
  }

  /** Paths that were asked for, in order. */
  asked: string[] = [];

  get settings(): ServerConnection.ISettings {
    return ServerConnection.makeSettings({
      baseUrl: 'http://127.0.0.1:1/base/',
      wsUrl: 'ws://127.0.0.1:1/base/',
      token: 'secret',
      appendToken: true,
      fetch: this._fetch as typeof fetch,
      WebSocket: FakeSocket as unknown as typeof WebSocket
    });
  }

  private _fetch = async (request: Request): Promise<Response> => {
    const path = request.url.replace('http://127.0.0.1:1/base/flotilla/api/', '');
    this.asked.push(path);
    const text = request.method === 'POST' ? await request.text() : '';
    const answer = this.answer(path, text ? JSON.parse(text) : null);
    if (answer === null) {
      throw new TypeError('Failed to fetch');
    }
    const body = answer.json === undefined ? '<html>' : JSON.stringify(answer.json);
    return new Response(body, { status: answer.status ?? 200 });
  };
}

const realTimeout = setTimeout;

/** Let all that is waiting for an answer go on, also where timers are the test's own. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) {
    await new Promise(resolve => realTimeout(resolve, 0));
  }
}
