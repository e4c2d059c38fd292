import type { TranslationBundle } from '@jupyterlab/translation';
import { Cost } from '../components/Cost';
import type { ITime } from '../components/time';
import { formatDuration, formatMoney } from '../format';
import type { IRow } from '../row';
import type { IRunDetail } from '../wire';

/** What a run costs, attempt by attempt, and who says so. */
export function CostRoom(props: {
  detail: IRunDetail;
  row: IRow;
  time: ITime;
  trans: TranslationBundle;
}): JSX.Element {
  const { detail, row, time, trans } = props;
  return (
    <div className="jp-Flotilla-costRoom">
      <dl className="jp-Flotilla-facts">
        <dt>{trans.__('So far')}</dt>
        <dd>
          {detail.cost_usd === null ? (
            trans.__('unknown: there is no price for it')
          ) : (
            <Cost row={row} time={time} trans={trans} />
          )}
        </dd>
        <dt>{trans.__('At most')}</dt>
        <dd>
          {detail.ceiling_usd === null
            ? trans.__('no ceiling: it has no timeout and no maximal cost')
            : formatMoney(detail.ceiling_usd)}
        </dd>
        <dt>{trans.__('Who pays')}</dt>
        <dd>
          {detail.is_billed
            ? trans.__('the account it runs in')
            : trans.__('nobody: it is what Fargate would take (≈)')}
        </dd>
        {detail.cost_text && (
          <>
            <dt>{trans.__('In words')}</dt>
            <dd>{detail.cost_text}</dd>
          </>
        )}
      </dl>
      <div
        className="jp-Flotilla-tableBox"
        tabIndex={0}
        role="region"
        aria-label={trans.__('Attempts')}
      >
        <table className="jp-Flotilla-table">
          <caption>{trans.__('Attempts')}</caption>
          <thead>
            <tr>
              <th scope="col">{trans.__('Attempt')}</th>
              <th scope="col" data-number>
                {trans.__('An hour')}
              </th>
              <th scope="col" data-number>
                {trans.__('Billed')}
              </th>
              <th scope="col" data-number>
                {trans.__('Charge')}
              </th>
              <th scope="col">{trans.__('Price from')}</th>
            </tr>
          </thead>
          <tbody>
            {detail.attempts.map(({ number, rate, billed_s, charge_usd }) => (
              <tr key={number}>
                <th scope="row">{number}</th>
                <td data-number>{rate ? formatMoney(rate.usd_per_h) : '–'}</td>
                <td data-number>{billed_s === null ? '–' : formatDuration(billed_s)}</td>
                <td data-number>{charge_usd === null ? '–' : formatMoney(charge_usd)}</td>
                <td>
                  {rate ? [rate.source, rate.region, rate.provider].filter(Boolean).join(', ') : '–'}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}
