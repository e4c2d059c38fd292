import { ReactWidget } from '@jupyterlab/ui-components';
import type { IContext } from '../context';
import type { What } from '../wire';

/** The launch form, a section of the sidebar. */
export class LaunchWidget extends ReactWidget {
  constructor(private _context: IContext) {
    super();
    this.addClass('jp-Flotilla-launch');
  }

  /** Have the form ask for something else: a file, cells, a command, an earlier run. */
  prepare(what: What): void {
    this._what = what;
    this.update();
  }

  protected render(): JSX.Element {
    const { trans } = this._context;
    return <p>{this._what === null ? trans.__('Open a notebook to launch it.') : ''}</p>;
  }

  private _what: What | null = null;
}
