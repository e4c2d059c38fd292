import type { TranslationBundle } from '@jupyterlab/translation';
import { formatMoney } from '../../format';
import type { IStatus } from '../../wire';

function Budget(props: { spentUsd: number; budgetUsd: number; trans: TranslationBundle }) {
  const { spentUsd, budgetUsd, trans } = props;
  const share = budgetUsd > 0 ? spentUsd / budgetUsd : 1;
  return (
    <meter
      className="jp-Flotilla-budget"
      aria-label={trans.__('Share of the monthly budget')}
      min={0}
      max={budgetUsd}
      high={budgetUsd * 0.8}
      optimum={0}
      value={spentUsd}
      title={trans.__('%1 %', Math.round(share * 100))}
    />
  );
}

/** What is really paid: today, and this month of its budget. */
export function Spent(props: { status: IStatus; trans: TranslationBundle }): JSX.Element {
  const { status, trans } = props;
  const { cost_today_usd, cost_month_usd, monthly_budget_usd } = status;
  const isOver = monthly_budget_usd !== null && cost_month_usd > monthly_budget_usd;
  return (
    <dl className="jp-Flotilla-spent" title={trans.__('Days and months begin at midnight in UTC')}>
      <div>
        <dt>{trans.__('Today')}</dt>
        <dd>{formatMoney(cost_today_usd)}</dd>
      </div>
      <div>
        <dt>{trans.__('This month')}</dt>
        <dd>
          {formatMoney(cost_month_usd)}
          {monthly_budget_usd !== null && (
            <span className="jp-Flotilla-aside">
              {' '}
              {trans.__('of %1', formatMoney(monthly_budget_usd))}
              {isOver && ` · ${trans.__('over budget')}`}
            </span>
          )}
        </dd>
        {monthly_budget_usd !== null && (
          <dd>
            <Budget spentUsd={cost_month_usd} budgetUsd={monthly_budget_usd} trans={trans} />
          </dd>
        )}
      </div>
    </dl>
  );
}
