import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import type { IContext } from '../context';
import { CostsSection } from './components/CostsSection';
import { CostsModel } from './model';

/** What runs have cost, a section of the sidebar. */
export class CostsWidget extends ReactWidget {
  constructor(private _context: IContext) {
    super();
    this.addClass('jp-Flotilla-costs');
    this._costs = new CostsModel(_context);
  }

  dispose(): void {
    if (!this.isDisposed) {
      this._costs.dispose();
      super.dispose();
    }
  }

  protected onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._costs.wake();
  }

  protected onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    if (this.isVisible) {
      this._costs.wake();
    }
  }

  protected onBeforeHide(message: Message): void {
    super.onBeforeHide(message);
    this._costs.sleep();
  }

  protected render(): JSX.Element {
    const { model, open, trans } = this._context;
    return (
      <CostsSection
        costs={this._costs}
        runs={model}
        onOpen={id => open.run(id)}
        onLaunch={() => open.launch()}
        trans={trans}
      />
    );
  }

  private _costs: CostsModel;
}
