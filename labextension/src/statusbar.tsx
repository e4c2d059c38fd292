import { ReactWidget } from '@jupyterlab/ui-components';
import { useSyncExternalStore } from 'react';
import type { IContext } from './context';
import { formatCount, formatMoney } from './format';
import { flotillaIcon } from './icons';

function StatusItem(props: { context: IContext }): JSX.Element {
  const { model, trans, open } = props.context;
  const { status, connection } = useSyncExternalStore(model.subscribe, model.snapshot);
  let text = trans.__('Flotilla');
  if (connection === 'offline') {
    text = trans.__('Flotilla unreachable');
  } else if (status) {
    const running = formatCount(status.counts['RUNNING'] ?? 0);
    text = trans.__('%1 running · %2 today', running, formatMoney(status.cost_today_usd));
  }
  return (
    <button
      type="button"
      className="jp-Flotilla-statusItem"
      title={trans.__('Show the runs of Flotilla')}
      onClick={() => open.runs()}
    >
      <flotillaIcon.react tag="span" height="14px" width="14px" />
      <span>{text}</span>
    </button>
  );
}

/** How many runs there are and what today cost, in the status bar. */
export class FlotillaStatusItem extends ReactWidget {
  constructor(private _context: IContext) {
    super();
    this.addClass('jp-mod-highlighted');
  }

  protected render(): JSX.Element {
    return <StatusItem context={this._context} />;
  }
}
