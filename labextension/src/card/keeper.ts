import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { RunsModel } from '../runs';
import type { IRun } from '../wire';
import { openAsTold } from './kernels';
import type { IKeeping } from './notebook_keeper';
import { NotebookKeeper } from './notebook_keeper';

/** Keeps the cells of all open notebooks true, and tells the server which those are. */
export class Keeper {
  constructor(
    notebooks: INotebookTracker,
    private _keeping: IKeeping
  ) {
    const { model } = _keeping.context;
    notebooks.forEach(panel => this._add(panel));
    notebooks.widgetAdded.connect((_, panel) => this._add(panel));
    model.received.connect(this._onReceived, this);
    model.refreshed.connect(this._refresh, this);
    model.changed.connect(this._onConnection, this);
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') {
        this._refresh();
      }
    });
  }

  private _add(panel: NotebookPanel): void {
    if (this._keepers.has(panel)) {
      return;
    }
    const keeper = new NotebookKeeper(panel, this._keeping);
    this._keepers.set(panel, keeper);
    openAsTold(panel.sessionContext, this._keeping.context.open);
    panel.context.pathChanged.connect(() => this._tell());
    panel.disposed.connect(() => {
      keeper.dispose();
      this._keepers.delete(panel);
      this._tell();
    });
    this._tell();
  }

  private _tell(): void {
    const paths = [...this._keepers.values()].map(keeper => keeper.path);
    this._keeping.context.model.setOpenNotebooks([...new Set(paths)].sort());
  }

  private _onReceived(_: RunsModel, runs: readonly IRun[]): void {
    const retries = runs.filter(run => run.retry_of !== null && run.ended_at === null);
    for (const keeper of this._keepers.values()) {
      retries.forEach(run => keeper.takeRetry(run));
    }
  }

  private _refresh(): void {
    this._keepers.forEach(keeper => void keeper.refresh());
  }

  /** Until the server knew that a notebook is open here, it may have written it. */
  private _onConnection(): void {
    const { connection } = this._keeping.context.model.snapshot();
    const isBack = connection === 'live' && this._connection !== 'live';
    this._connection = connection;
    if (isBack) {
      this._refresh();
    }
  }

  private _keepers = new Map<NotebookPanel, NotebookKeeper>();
  private _connection = '';
}
