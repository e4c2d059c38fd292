import type { IContext } from '../context';
import { isOpen } from '../query';
import type { IExecutedNotebook, IRun, IUsagePoints } from '../wire';
import { DetailModel } from './detail_model';
import { LogModel } from './logs/log_model';
import { keepCells } from './notebook/cells';
import { Polled } from './polled';

/** All models of one tab: what was loaded stays while one goes from room to room. */
export class RoomModels {
  constructor(
    private _context: IContext,
    readonly runId: string
  ) {
    this.detail = new DetailModel(_context.model, runId);
    this.notebook = new Polled(async () => {
      const fetched = await _context.api.notebook(runId);
      return keepCells(this.notebook.snapshot().value, fetched);
    });
  }

  readonly detail: DetailModel;
  readonly notebook: Polled<IExecutedNotebook>;

  /** What an attempt says; it opens where it is looked for: the end of what goes on or failed. */
  log(attempt: number, run: IRun): LogModel {
    let log = this._logs.get(attempt);
    if (!log) {
      log = new LogModel(this._context.api, this.runId, attempt);
      this._logs.set(attempt, log);
      const isGrowing = isOpen(run) && attempt === Math.max(1, run.attempt);
      const isAtEnd = isGrowing || run.status === 'FAILED' || attempt < run.attempt;
      void (isAtEnd ? log.toEnd(isGrowing) : log.toStart());
    }
    return log;
  }

  /** What an attempt uses. */
  usage(attempt: number): Polled<IUsagePoints> {
    let usage = this._usages.get(attempt);
    if (!usage) {
      usage = new Polled(() => this._context.api.usage(this.runId, attempt));
      this._usages.set(attempt, usage);
    }
    return usage;
  }

  dispose(): void {
    this.detail.dispose();
    this.notebook.dispose();
    this._logs.forEach(log => log.dispose());
    this._usages.forEach(usage => usage.dispose());
  }

  private _logs = new Map<number, LogModel>();
  private _usages = new Map<number, Polled<IUsagePoints>>();
}
