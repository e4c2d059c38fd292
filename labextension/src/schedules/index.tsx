import { addIcon, ReactWidget, Toolbar } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import { Ticker } from '../clock';
import { titleButton } from '../components/TitleButton';
import { showMenu } from '../components/menu';
import type { IContext } from '../context';
import { ScheduleActions } from './actions';
import { BackfillModel } from './backfill';
import { addScheduleCommands, MENU } from './commands';
import type { IScheduleRowActions } from './components/keys';
import { SchedulesSection } from './components/SchedulesSection';
import { SchedulesModel } from './model';

/** What runs again and again, a section of the sidebar. */
export class SchedulesWidget extends ReactWidget {
  constructor(private _context: IContext) {
    super();
    this.addClass('jp-Flotilla-schedules');
    const { trans, open } = _context;
    this._schedules = new SchedulesModel(_context);
    this._actions = new ScheduleActions(_context, this._schedules);
    addScheduleCommands(_context, this._schedules, this._actions);
    this.toolbar = new Toolbar();
    this.toolbar.node.setAttribute('aria-label', trans.__('Schedules'));
    const add = titleButton(trans.__('Schedule a Notebook…'), addIcon, () => open.schedule());
    this.toolbar.addItem('add', add);
  }

  /** Shown in the section's title. */
  readonly toolbar: Toolbar;

  /** Put the focus where one goes on with the keyboard. */
  async focus(): Promise<void> {
    if (!this._schedules.snapshot().hasLoaded) {
      await this._schedules.reload();
    }
    // the section may only just be opening
    requestAnimationFrame(() => {
      const target =
        this.node.querySelector<HTMLElement>('[data-schedule][tabindex="0"]') ??
        this.node.querySelector<HTMLElement>('button:not(:disabled)');
      target?.focus();
    });
  }

  dispose(): void {
    if (!this.isDisposed) {
      this._schedules.dispose();
      super.dispose();
    }
  }

  protected onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._schedules.wake();
  }

  protected onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    if (this.isVisible) {
      this._schedules.wake();
    }
  }

  protected onBeforeHide(message: Message): void {
    super.onBeforeHide(message);
    this._schedules.sleep();
  }

  protected render(): JSX.Element {
    const { open, trans, api, model } = this._context;
    return (
      <SchedulesSection
        schedules={this._schedules}
        actions={this._rowActions}
        onSchedule={() => open.schedule()}
        onOpenRun={id => open.run(id)}
        onAgain={(id, at) => void this._actions.rerun(id, at)}
        makeBackfill={({ id, zone }) => new BackfillModel(api, id, zone, model.clock.now())}
        onBackfill={(id, backfill) => this._backfill(id, backfill)}
        onStopBackfill={id => void this._actions.stopBackfill(id)}
        time={this._time}
        trans={trans}
      />
    );
  }

  private async _backfill(id: string, backfill: BackfillModel): Promise<boolean> {
    const { asked } = backfill;
    const asks = backfill.snapshot().planned?.asks ?? [];
    const isDone = asked !== null && (await this._actions.backfill(id, asked, asks));
    if (isDone) {
      this._schedules.show({ kind: 'history', id });
    }
    return isDone;
  }

  private _leave(): void {
    const { shell } = this._context.app;
    if (shell.currentWidget) {
      shell.activateById(shell.currentWidget.id);
    }
  }

  private _schedules: SchedulesModel;
  private _actions: ScheduleActions;
  private _rowActions: IScheduleRowActions = {
    history: ({ id }) => this._schedules.show({ kind: 'history', id }),
    edit: ({ id }) => this._context.open.editSchedule(id),
    pause: ({ id }) => void this._actions.togglePause(id),
    run: ({ id }) => void this._actions.runNow(id),
    delete: ({ id }) => void this._actions.delete(id),
    menu: ({ id }, x, y, onClose) =>
      showMenu(this._context.app, MENU, id, { x, y }, onClose),
    leave: () => this._leave()
  };
  private _time = { clock: this._context.model.clock, ticker: new Ticker() };
}
