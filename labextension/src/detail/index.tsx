import { MainAreaWidget } from '@jupyterlab/apputils';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import { lazy, Suspense } from 'react';
import { Ticker } from '../clock';
import type { DetailTab, IContext } from '../context';
import { isolated } from '../format';
import { flotillaIcon } from '../icons';
import type { IRun } from '../wire';
import { Visibility } from './visible';

// All that is in such a tab is fetched when the first one is opened.
const DetailRoom = lazy(async () => ({ default: (await import('./DetailRoom')).DetailRoom }));

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
    this.title.icon = flotillaIcon;
    this._name(_context.model.find(runId));
  }

  /** Go to one of its rooms: logs, outputs … */
  openTab(tab: DetailTab): void {
    this._tab = tab;
    this._asked += 1;
    this.update();
  }

  dispose(): void {
    this._visibility.dispose();
    super.dispose();
  }

  protected onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._visibility.isShown = true;
  }

  protected onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this._visibility.isShown = false;
  }

  protected onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    if (this.parent instanceof MainAreaWidget) {
      // there is nothing in it
      this.parent.toolbar.hide();
    }
    this._visibility.isShown = this.isVisible;
  }

  protected render(): JSX.Element {
    const { trans } = this._context;
    const loading = <p className="jp-Flotilla-loading">{trans.__('Loading…')}</p>;
    return (
      <Suspense fallback={loading}>
        <DetailRoom
          context={this._context}
          runId={this.runId}
          tab={this._tab}
          asked={this._asked}
          visibility={this._visibility}
          ticker={this._ticker}
          onNamed={run => this._name(run)}
          onTab={tab => {
            // where one is, for when the tab is moved, which draws it anew
            this._tab = tab;
          }}
          onClose={() => (this.parent ?? this).close()}
        />
      </Suspense>
    );
  }

  /** Name the tab after the run, as soon as it is known. */
  private _name(run: IRun | undefined): void {
    const { trans } = this._context;
    this.title.label = run ? isolated(run.name) : this.runId;
    this.title.caption = run
      ? trans.__('Run %1: %2', run.short_id, isolated(run.name))
      : trans.__('Run %1', this.runId);
  }

  private _asked = 0;
  private _visibility = new Visibility();
  private _ticker = new Ticker();
}
