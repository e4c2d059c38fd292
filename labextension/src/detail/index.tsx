import { ReactWidget } from '@jupyterlab/ui-components';
import type { DetailTab, IContext } from '../context';

/** All that is known of one run, a tab of the main area. */
export class RunDetailWidget extends ReactWidget {
  constructor(
    private _context: IContext,
    /** Which run it is. */
    readonly runId: string,
    private _tab: DetailTab = 'overview'
  ) {
    super();
    this.addClass('jp-Flotilla-detail');
  }

  /** Go to one of its rooms: logs, outputs … */
  openTab(tab: DetailTab): void {
    this._tab = tab;
    this.update();
  }

  protected render(): JSX.Element {
    return (
      <p>
        {this._context.trans.__('Run %1', this.runId)} {this._tab}
      </p>
    );
  }
}
