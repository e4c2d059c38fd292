import { Notification } from '@jupyterlab/apputils';
import type { LabIcon } from '@jupyterlab/ui-components';
import { addIcon, ReactWidget, refreshIcon, Toolbar } from '@jupyterlab/ui-components';
import type { RunActions } from './actions';
import { reportError } from './actions';
import { Ticker } from './clock';
import type { IRowActions } from './components/keys';
import { RunsSection } from './components/RunsSection';
import { titleButton } from './components/TitleButton';
import { showMenu } from './components/menu';
import type { IContext } from './context';

/** Commands of the menu of a run, in order; null: a line. */
const MENU: (string | null)[] = [
  'flotilla:open-run',
  'flotilla:open-logs',
  null,
  'flotilla:cancel-run',
  'flotilla:retry-run',
  'flotilla:retry-with-changes',
  null,
  'flotilla:copy-run-id'
];

/** The list of runs, a section of the sidebar. */
export class RunsWidget extends ReactWidget {
  constructor(
    private _context: IContext,
    private _actions: RunActions
  ) {
    super();
    this.addClass('jp-Flotilla-runsWidget');
    const { model, open, trans } = _context;
    this.toolbar = new Toolbar();
    this.toolbar.node.setAttribute('aria-label', trans.__('Runs'));
    const button = (name: string, icon: LabIcon, onClick: () => void) =>
      this.toolbar.addItem(name, titleButton(name, icon, onClick));
    button(trans.__('Launch a Run…'), addIcon, () => open.launch());
    button(trans.__('Refresh Runs'), refreshIcon, () => void model.retryNow());
  }

  /** Shown in the section's title. */
  readonly toolbar: Toolbar;

  /** Put the focus where one goes on with the keyboard: the active row, else the search. */
  focus(): void {
    // where it was never shown, there is nothing yet
    void this.renderPromise?.then(() => {
      const target =
        this.node.querySelector<HTMLElement>('[data-run][tabindex="0"]') ??
        this.node.querySelector<HTMLElement>('input');
      target?.focus();
    });
  }

  protected render(): JSX.Element {
    const { model, trans } = this._context;
    return (
      <RunsSection
        model={model}
        actions={this._rowActions}
        onSample={() => void this._runSample()}
        time={this._time}
        trans={trans}
      />
    );
  }

  private async _runSample(): Promise<void> {
    const { api, model, trans } = this._context;
    const source = 'for step in range(3):\n    print("hello from a job", step)\n';
    try {
      const { run } = await api.launch({ kind: 'source', source }, { name: 'sample', engine: 'process' });
      if (run) {
        model.take(run);
        Notification.success(trans.__('Launched %1', run.name), { autoClose: 2000 });
      }
    } catch (thrown) {
      reportError(thrown);
    }
  }

  private _leave(): void {
    const { shell } = this._context.app;
    if (shell.currentWidget) {
      shell.activateById(shell.currentWidget.id);
    } else {
      (document.activeElement as HTMLElement | null)?.blur();
    }
  }

  private _rowActions: IRowActions = {
    open: run => this._context.open.run(run.id),
    logs: run => this._context.open.run(run.id, 'logs'),
    cancel: run => void this._actions.cancel(run.id),
    retry: run => void this._actions.retry(run.id),
    copyId: run => this._actions.copyId(run.id),
    menu: ({ id }, x, y, onClose) =>
      showMenu(this._context.app, MENU, id, { x, y }, onClose),
    leave: () => this._leave()
  };
  private _time = { clock: this._context.model.clock, ticker: new Ticker() };
}
