import type { IOutput } from '@jupyterlab/nbformat';
import { asFlotillaError } from '../api';
import type { FlotillaApi } from '../api';
import type { ICellOutputs } from '../wire';
import type { Pace } from './pace';
import { sleep } from './pace';

/** Between two requests for the same cell there is at least this. */
const PAUSE_MS = 700;
/** Where the server does not hold answers, this. */
const POLL_MS = 2_000;
const LONGEST_PAUSE_MS = 20_000;
/** What is long is asked for the less often: this many characters a millisecond. */
const CHARACTERS_A_MS = 200;

/** The cell that a follower writes into. */
export interface ITarget {
  /** Say whether it is still ours to write into. */
  mayWrite(): boolean;
  /** Say whether anybody looks, or it is worth asking although nobody does. */
  isAwaited(): boolean;
  write(outputs: readonly IOutput[], isFinal: boolean): void;
  /** It is over: all was written, the run is gone, or the cell is another's. */
  ended(): void;
}

/** Brings what a run says into its cell, as it comes, until its end. */
export class CellFollower {
  constructor(
    private _api: FlotillaApi,
    readonly runId: string,
    private _target: ITarget,
    private _pace: Pace
  ) {
    this._leave = _pace.join();
    void this._follow();
  }

  dispose(): void {
    if (!this._abort.signal.aborted) {
      this._abort.abort();
      this._leave();
    }
  }

  private async _follow(): Promise<void> {
    const { signal } = this._abort;
    let pauseMs = 0;
    let failures = 0;
    while (!signal.aborted) {
      await sleep(pauseMs, signal);
      if (signal.aborted) {
        return;
      }
      if (!this._target.isAwaited()) {
        pauseMs = PAUSE_MS;
        continue;
      }
      try {
        const page = await this._ask();
        failures = 0;
        pauseMs = Math.max(this._pace.holdS ? PAUSE_MS : POLL_MS, lengthOf(page) / CHARACTERS_A_MS);
        if (this._take(page)) {
          break;
        }
      } catch (thrown) {
        if (asFlotillaError(thrown).status === 404) {
          break;
        }
        failures += 1;
        pauseMs = Math.min(LONGEST_PAUSE_MS, POLL_MS * 2 ** (failures - 1));
      }
    }
    if (!signal.aborted) {
      this.dispose();
      this._target.ended();
    }
  }

  private async _ask(): Promise<ICellOutputs> {
    const end = await this._pace.turn();
    try {
      const query = { have: this._digests.join(','), wait_s: this._pace.holdS };
      return await this._api.cell(this.runId, query, this._abort.signal);
    } finally {
      end();
    }
  }

  /** Take an answer in; returns whether it was the last one. */
  private _take(page: ICellOutputs): boolean {
    if (this._abort.signal.aborted || !this._target.mayWrite()) {
      return true;
    }
    this._outputs = page.outputs.map((output, at) => (output as IOutput) ?? this._outputs[at]);
    this._digests = page.digests;
    if (page.changed || page.is_final) {
      this._target.write(this._outputs, page.is_final);
    }
    return page.is_final;
  }

  private _leave: () => void;
  private _abort = new AbortController();
  private _outputs: IOutput[] = [];
  private _digests: readonly string[] = [];
}

/** Return how many characters an answer has brought. */
function lengthOf({ outputs }: ICellOutputs): number {
  const news = outputs.filter(output => output !== null);
  return news.reduce((sum, output) => sum + JSON.stringify(output).length, 0);
}
