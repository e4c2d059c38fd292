import { Dialog, InputDialog, Notification, showDialog } from '@jupyterlab/apputils';
import { reportError } from '../actions';
import type { IContext } from '../context';
import { isolated } from '../format';
import { submit } from '../launch/submit';
import type { IBackfillAsked, IRunCreated, ISchedule } from '../wire';
import type { SchedulesModel } from './model';

const SHOWN_MS = 4000;

/** What is done to a schedule from here, each with its questions; none of them throws. */
export class ScheduleActions {
  constructor(
    private _context: IContext,
    private _schedules: SchedulesModel
  ) {}

  find(id: unknown): ISchedule | undefined {
    return this._schedules.find(id);
  }

  /** Let no tick of it come, or let it go on from now. */
  async togglePause(id: string): Promise<void> {
    const isPaused = this.find(id)?.paused_at != null;
    await this._try(async () => {
      this._schedules.take(await this._context.api.pauseSchedule(id, !isPaused));
    });
  }

  /** Run its job at once, beside its times. */
  async runNow(id: string): Promise<void> {
    await this._try(async () => this._tell(await this._context.api.runSchedule(id)));
  }

  /** Run one of its ticks again, with the values of that tick. */
  async rerun(id: string, scheduledAt: string): Promise<void> {
    await this._try(async () => this._tell(await this._context.api.runSchedule(id, scheduledAt)));
  }

  /** Ask for a name, and save a copy under it. */
  async clone(id: string): Promise<void> {
    const { trans, api } = this._context;
    const name = this.find(id)?.name ?? id;
    const answer = await InputDialog.getText({
      title: trans.__('Clone %1', isolated(name)),
      label: trans.__('Name of the copy; it is paused until it is resumed'),
      text: `${name}-copy`,
      okLabel: trans.__('Clone')
    });
    const given = answer.value?.trim();
    if (answer.button.accept && given) {
      await this._try(async () => this._schedules.take(await api.cloneSchedule(id, given)));
    }
  }

  /** Ask, then delete. */
  async delete(id: string): Promise<void> {
    const { trans, api } = this._context;
    const answer = await showDialog({
      title: trans.__('Delete %1?', isolated(this.find(id)?.name ?? id)),
      body: trans.__('It runs no more, and its history is gone. Its runs stay.'),
      buttons: [
        Dialog.cancelButton({ label: trans.__('Keep it') }),
        Dialog.warnButton({ label: trans.__('Delete schedule') })
      ],
      defaultButton: 0
    });
    if (answer.button.accept) {
      await this._try(async () => {
        await api.deleteSchedule(id);
        this._schedules.drop(id);
      });
    }
  }

  /** Run ticks of the past; what must be agreed to first is asked. Say whether they will run. */
  async backfill(id: string, asked: IBackfillAsked, asks: readonly string[]): Promise<boolean> {
    const { trans, api } = this._context;
    const words = { title: trans.__('Run them?'), label: trans.__('Agree and run') };
    const send = (confirm: boolean) => api.backfill(id, { ...asked, confirm });
    return (await this._try(() => submit(send, asks, trans, words))) !== null;
  }

  /** Leave out what waits of a backfill; what runs goes on. */
  async stopBackfill(id: string): Promise<void> {
    await this._try(async () => {
      await this._context.api.stopBackfill(id);
      await this._schedules.reload();
    });
  }

  private _tell({ run }: IRunCreated): void {
    const { trans, model, open } = this._context;
    model.take(run);
    Notification.info(trans.__('Launched %1', isolated(run.name)), {
      autoClose: SHOWN_MS,
      actions: [{ label: trans.__('Open'), callback: () => open.run(run.id) }]
    });
  }

  /** Do something; null: it went wrong, and that was told. */
  private async _try<T>(act: () => Promise<T>): Promise<T | null> {
    try {
      return await act();
    } catch (thrown) {
      reportError(thrown);
      return null;
    }
  }
}
