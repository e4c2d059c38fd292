import type { TranslationBundle } from '@jupyterlab/translation';
import { formatMoney } from '../../format';
import type { IStatus } from '../../wire';

/** From this share of the budget on it is warned of. */
const HIGH = 0.8;

function Budget(props: { spentUsd: number; budgetUsd: number; trans: TranslationBundle }) {
  const { spentUsd, budgetUsd, trans } = props;
  const percent = Math.round(budgetUsd > 0 ? (spentUsd / budgetUsd) * 100 : 100);
  return (
    <div
      className="jp-Flotilla-budget"
      role="meter"
      aria-label={trans.__('Share of the monthly budget')}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.min(100, percent)}
      aria-valuetext={trans.__('%1 %', percent)}
      title={trans.__('%1 %', percent)}
      data-high={percent >= HIGH * 100 || undefined}
    >
      <span style={{ width: `${Math.min(100, percent)}%` }} />
    </div>
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
            <span className="jp-Flotilla-small">
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
