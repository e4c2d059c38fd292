import type { TranslationBundle } from '@jupyterlab/translation';
import { formatDuration, formatMoney } from '../../format';
import type { IEngine, IExpectation, IPlan, ISchedulePlan } from '../../wire';

/** Return the price of an hour: `≈ $0.06 per hour` where nobody pays it. */
export function rateText(plan: IPlan, trans: TranslationBundle): string {
  if (plan.usd_per_h === null) {
    return trans.__('price unknown');
  }
  const money = formatMoney(plan.usd_per_h);
  return plan.is_hypothetical ? trans.__('≈ %1 per hour', money) : trans.__('%1 per hour', money);
}

/** Return what all runs cannot exceed. */
export function ceilingText(plan: IPlan, trans: TranslationBundle): string {
  if (plan.ceiling_usd === null) {
    return trans.__('no limit');
  }
  const most = trans.__('at most %1', formatMoney(plan.ceiling_usd));
  return plan.runs > 1 ? trans._n('%2 by %1 run', '%2 by %1 runs', plan.runs, most) : most;
}

function span(low: string, high: string): string {
  return low === high ? low : `${low} – ${high}`;
}

function expectedText(expected: IExpectation, trans: TranslationBundle): string {
  const time = span(
    formatDuration(expected.duration_p50_s),
    formatDuration(expected.duration_p90_s)
  );
  const { cost_p50_usd, cost_p90_usd, runs } = expected;
  const cost =
    cost_p50_usd === null || cost_p90_usd === null
      ? ''
      : `, ${span(formatMoney(cost_p50_usd), formatMoney(cost_p90_usd))}`;
  return trans.__('%1 (by %2 runs)', time + cost, runs);
}

function monthText(plan: IPlan, trans: TranslationBundle): string {
  const month = formatMoney(plan.month_usd + (plan.ceiling_usd ?? 0));
  const most = plan.ceiling_usd === null ? trans.__('%1 and more', month) : month;
  const budget = plan.monthly_budget_usd;
  return budget === null ? most : trans.__('%1 of %2', most, formatMoney(budget));
}

/** Return what a month of a schedule cannot exceed. */
export function monthCeilingText(schedule: ISchedulePlan, trans: TranslationBundle): string {
  const { ceiling_a_month_usd: most, runs_a_month: runs } = schedule;
  const limit = most === null ? trans.__('no limit') : trans.__('at most %1', formatMoney(most));
  if (runs === 0) {
    return trans.__('no run in 30 days');
  }
  return runs === null ? limit : trans._n('%2 by %1 run', '%2 by %1 runs', runs, limit);
}

/** What a launch would cost; the old price, greyed, while a new one is on its way. */
export function Price(props: {
  plan: IPlan;
  /** What it would be as a schedule; undefined: it is launched. */
  schedule?: ISchedulePlan;
  engine: IEngine | null;
  isStale: boolean;
  onUse: (options: { [keyword: string]: string }) => void;
  trans: TranslationBundle;
}): JSX.Element {
  const { plan, schedule, engine, isStale, onUse, trans } = props;
  const { recommendation, expected } = plan;
  return (
    <section
      className="jp-Flotilla-price"
      aria-label={trans.__('Price')}
      aria-busy={isStale}
      data-stale={isStale || undefined}
    >
      <dl>
        <dt>{trans.__('Price')}</dt>
        <dd>{rateText(plan, trans)}</dd>
        <dt>{schedule ? trans.__('Ceiling a run') : trans.__('Ceiling')}</dt>
        <dd>{ceilingText(plan, trans)}</dd>
        {schedule && (
          <>
            <dt>{trans.__('In 30 days')}</dt>
            <dd>{monthCeilingText(schedule, trans)}</dd>
          </>
        )}
        {expected && (
          <>
            <dt>{trans.__('Expected')}</dt>
            <dd>{expectedText(expected, trans)}</dd>
          </>
        )}
        {engine?.bills && !schedule && (
          <>
            <dt>{trans.__('Month after')}</dt>
            <dd>{monthText(plan, trans)}</dd>
          </>
        )}
      </dl>
      {plan.is_hypothetical && (
        <p className="jp-Flotilla-help">
          {trans.__('Nobody pays here; on Fargate it would be this much.')}
        </p>
      )}
      {plan.asks.length + plan.notes.length > 0 && (
        <ul className="jp-Flotilla-notes">
          {plan.asks.map(ask => (
            <li key={ask} data-kind="ask">
              {trans.__('To be agreed to: %1', ask)}
            </li>
          ))}
          {plan.notes.map(note => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
      {recommendation && (
        <div className="jp-Flotilla-recommended">
          <p>{recommendation.text}</p>
          <button
            type="button"
            className="jp-Flotilla-button"
            onClick={() =>
              onUse(
                Object.fromEntries(
                  Object.entries(recommendation.options).map(([key, value]) => [key, String(value)])
                )
              )
            }
          >
            {trans.__('Use')}
          </button>
        </div>
      )}
    </section>
  );
}
