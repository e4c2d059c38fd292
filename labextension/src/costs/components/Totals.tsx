import type { TranslationBundle } from '@jupyterlab/translation';
import { formatMoney } from '../../format';
import type { ITotals } from '../groups';

/** What was billed in the time that is looked at, and apart from it what nobody pays. */
export function Totals(props: { totals: ITotals; trans: TranslationBundle }): JSX.Element {
  const { totals, trans } = props;
  return (
    <dl className="jp-Flotilla-totals">
      <dt>
        <span className="jp-Flotilla-key" data-billed="true" aria-hidden="true" />
        {trans.__('Billed')}
      </dt>
      <dd>{formatMoney(totals.billedUsd)}</dd>
      <dd className="jp-Flotilla-small">
        {trans._n('%1 run', '%1 runs', totals.billedRuns)}
      </dd>
      <dt>
        <span className="jp-Flotilla-key" aria-hidden="true" />
        {trans.__('Would have been on Fargate')}
      </dt>
      <dd>≈{formatMoney(totals.unbilledUsd)}</dd>
      <dd className="jp-Flotilla-small">
        {trans._n('%1 run', '%1 runs', totals.unbilledRuns)}
      </dd>
    </dl>
  );
}
