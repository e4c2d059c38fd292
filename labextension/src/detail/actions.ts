import { Notification } from '@jupyterlab/apputils';
import { reportError, RunActions } from '../actions';
import { FlotillaError } from '../api';
import type { IContext } from '../context';
import type { IRunDetail, Options } from '../wire';
import type { DetailModel } from './detail_model';
import { askForChanges } from './retry_dialog';

/** What can be done to the run of a tab, each with its questions; none of them throws. */
export class DetailActions {
  constructor(
    private _context: IContext,
    private _model: DetailModel
  ) {
    this._runs = new RunActions(_context.app, _context.model, _context.trans);
  }

  copyId = (): void => this._runs.copyId(this._model.runId);

  cancel = (): void => void this._runs.cancel(this._model.runId);

  retry = (): void => void this._retry({});

  retryAsSuggested = (): void => {
    void this._retry(this._detail?.suggestion?.options ?? {});
  };

  retryWithChanges = (): void => void this._ask();

  openRun = (id: string): void => this._context.open.run(id);

  keep = (): void => void this._keep();

  openFile = (): void => void this._openFile();

  /** What opening the submitted file is called. */
  openLabel(detail: IRunDetail): string {
    const { trans } = this._context;
    return detail.notebook?.endsWith('.ipynb') ? trans.__('Open notebook') : trans.__('Open file');
  }

  private async _ask(): Promise<void> {
    const detail = this._detail;
    if (!detail) {
      return;
    }
    let wanted: Options = {};
    let problem = '';
    do {
      const changes = await askForChanges(this._context, detail, wanted, problem);
      problem = changes ? await this._retry(changes, true) : '';
      wanted = changes ?? wanted;
    } while (problem);
  }

  /** Retry, asking for consent where it is needed; returns what was wrong with a value. */
  private async _retry(options: Options, isAsking = false, confirm = true): Promise<string> {
    const { api, open, model } = this._context;
    try {
      const run = await api.retry(this._model.runId, options, confirm);
      model.take(run);
      open.run(run.id);
    } catch (thrown) {
      const isRefused = thrown instanceof FlotillaError && thrown.code === 'refused' && confirm;
      if (isRefused) {
        return (await this._runs.agree(thrown)) ? this._retry(options, isAsking, false) : '';
      }
      if (isAsking && thrown instanceof FlotillaError && thrown.status === 422) {
        return thrown.next ? `${thrown.message}; ${thrown.next}` : thrown.message;
      }
      reportError(thrown);
    }
    return '';
  }

  private async _keep(): Promise<void> {
    const { api, trans } = this._context;
    const isKept = !this._detail?.is_kept;
    try {
      await api.keep(this._model.runId, isKept);
      Notification.info(
        isKept
          ? trans.__('It is kept until you say otherwise.')
          : trans.__('It is cleaned away when it is old enough.'),
        { autoClose: 3000 }
      );
      await this._model.refresh();
    } catch (thrown) {
      reportError(thrown);
    }
  }

  private async _openFile(): Promise<void> {
    const { app, trans } = this._context;
    const path = this._detail?.notebook ?? '';
    try {
      // asked first: a file that was deleted meanwhile is told in our words
      await app.serviceManager.contents.get(path, { content: false });
    } catch {
      Notification.error(trans.__('%1 is no longer there.', path), { autoClose: 5000 });
      return;
    }
    await app.commands.execute('docmanager:open', { path });
  }

  private get _detail(): IRunDetail | null {
    return this._model.snapshot().detail;
  }

  private _runs: RunActions;
}
