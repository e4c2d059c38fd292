import { ReactWidget } from '@jupyterlab/ui-components';
import type { IContext } from '../context';

/** What runs have cost, a section of the sidebar. */
export class CostsWidget extends ReactWidget {
  constructor(private _context: IContext) {
    super();
    this.addClass('jp-Flotilla-costs');
  }

  protected render(): JSX.Element {
    return <p>{this._context.trans.__('Nothing was spent yet.')}</p>;
  }
}
