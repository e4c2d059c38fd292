import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { RunsModel } from '../runs';
import type { IRun } from '../wire';
import { openAsTold } from './kernels';
import type { IKeeping } from './notebook_keeper';
import { NotebookKeeper } from './notebook_keeper';
import { OpenNotebook } from './open_notebook';

/** Keeps the cells of all open notebooks true, and tells the server which those are. */
export class Keeper {
  constructor(
    notebooks: INotebookTracker,
    private _keeping: IKeeping
  ) {
    const { model } = _keeping.context;
    notebooks.forEach(panel => void this._add(panel));
    notebooks.widgetAdded.connect((_, panel) => void this._add(panel));
    model.received.connect(this._onReceived, this);
    model.refreshed.connect(this._refresh, this);
    model.changed.connect(this._onConnection, this);
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') {
        this._refresh();
      }
    });
  }

  private async _add(panel: NotebookPanel): Promise<void> {
    const { context } = panel;
    await context.ready;
    if (panel.isDisposed) {
      return;
    }
    const keeper = this._keepers.get(context) ?? this._keep(context);
    const { panels } = keeper.notebook;
    panels.add(panel);
    panel.disposed.connect(() => {
      panels.delete(panel);
      if (panels.size === 0) {
        this._drop(keeper);
      }
    });
  }

  private _keep(context: NotebookPanel['context']): NotebookKeeper {
    const { contents } = this._keeping.context.app.serviceManager;
    const keeper = new NotebookKeeper(new OpenNotebook(context, contents), this._keeping);
    this._keepers.set(context, keeper);
    openAsTold(context.sessionContext, this._keeping.context.open);
    context.pathChanged.connect(this._tell, this);
    this._tell();
    return keeper;
  }

  private _drop(keeper: NotebookKeeper): void {
    const { context } = keeper.notebook;
    context.pathChanged.disconnect(this._tell, this);
    this._keepers.delete(context);
    keeper.dispose();
    keeper.notebook.dispose();
    this._tell();
  }

  private _tell(): void {
    const paths = [...this._keepers.values()].map(keeper => keeper.notebook.path);
    this._keeping.context.model.setOpenNotebooks([...new Set(paths)].sort());
  }

  private _onReceived(_: RunsModel, runs: readonly IRun[]): void {
    const retries = runs.filter(run => run.retry_of !== null && run.ended_at === null);
    for (const keeper of this._keepers.values()) {
      retries.forEach(run => keeper.takeRetry(run));
    }
  }

  private _refresh(): void {
    this._keepers.forEach(keeper => keeper.refresh());
  }

  private _onConnection(): void {
    const { connection } = this._keeping.context.model.snapshot();
    const isBack = connection === 'live' && this._connection !== 'live';
    this._connection = connection;
    if (isBack) {
      this._refresh();
    }
  }

  private _keepers = new Map<NotebookPanel['context'], NotebookKeeper>();
  private _connection = '';
}
