import { Clipboard } from '@jupyterlab/apputils';
import { FileDialog } from '@jupyterlab/filebrowser';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import { reportError } from '../actions';
import type { IContext } from '../context';
import type { What } from '../wire';
import { LaunchForm } from './components/LaunchForm';
import { LaunchModel } from './model';

const LAUNCHED = /\.(ipynb|py)$/;

/** The launch form, a section of the sidebar. */
export class LaunchWidget extends ReactWidget {
  constructor(private _context: IContext) {
    super();
    this.addClass('jp-Flotilla-launch');
    this._model = new LaunchModel(_context);
  }

  /** Have the form ask for something else: a file, cells, a command, an earlier run. */
  prepare(what: What): void {
    void this._model.prepare(what).then(() => this.focus());
  }

  /** Have the form save a schedule of something, or of what it is about. */
  schedule(what?: What): void {
    void this._model.schedule(what);
  }

  /** Have the form change a schedule. */
  edit(id: string): void {
    void this._model.edit(id);
  }

  /** Put the focus on what is launched: whoever has asked for the form goes on there. */
  focus(): void {
    // the section may only just be opening
    requestAnimationFrame(() => {
      const target =
        this.node.querySelector<HTMLElement>('input:checked:not(:disabled)') ??
        this.node.querySelector<HTMLElement>('input:not(:disabled)');
      target?.focus();
    });
  }

  dispose(): void {
    if (!this.isDisposed) {
      this._model.dispose();
      super.dispose();
    }
  }

  protected onAfterShow(message: Message): void {
    super.onAfterShow(message);
    void this._model.wake();
  }

  protected onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    if (this.isVisible) {
      void this._model.wake();
    }
  }

  protected onBeforeHide(message: Message): void {
    super.onBeforeHide(message);
    this._model.sleep();
  }

  protected render(): JSX.Element {
    const { open, trans, files, model } = this._context;
    return (
      <LaunchForm
        model={this._model}
        onBrowse={files ? () => void this._browse() : null}
        onCopy={text => Clipboard.copyToSystem(text)}
        onOpen={id => open.run(id)}
        nameOf={id => model.find(id)?.name ?? null}
        onShowSchedules={() => open.schedules()}
        now={() => model.clock.now()}
        trans={trans}
      />
    );
  }

  /** Let the user choose a notebook or a Python file. */
  private async _browse(): Promise<void> {
    const { files, trans, app } = this._context;
    const manager = files?.tracker.currentWidget?.model.manager;
    if (!manager) {
      return;
    }
    try {
      const answer = await FileDialog.getOpenFiles({
        manager,
        title: trans.__('Choose a notebook or a Python file'),
        filter: model => (model.type === 'directory' || LAUNCHED.test(model.path) ? {} : null)
      });
      const chosen = answer.value?.find(model => LAUNCHED.test(model.path));
      if (answer.button.accept && chosen) {
        this._model.chooseFile(app.serviceManager.contents.localPath(chosen.path));
      }
    } catch (thrown) {
      reportError(thrown);
    }
  }

  private _model: LaunchModel;
}
