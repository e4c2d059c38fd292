import type { TranslationBundle } from '@jupyterlab/translation';
import { formatDuration, formatMemory, formatMoney } from '../../format';
import type { IAttempt } from '../../wire';
import { resourcesText } from '../words';

/** Return how an attempt has ended: `exit 1`, `signal 9`; empty while it goes on. */
export function endText(attempt: IAttempt, trans: TranslationBundle): string {
  if (attempt.failure_kind) {
    return attempt.failure_kind.replace(/-/g, ' ');
  }
  if (attempt.signal !== null) {
    return trans.__('signal %1', attempt.signal);
  }
  if (attempt.exit_code !== null) {
    return trans.__('exit %1', attempt.exit_code);
  }
  return attempt.ended_at ? trans.__('ended') : '';
}

/** How many of the last ends a line tells. */
const TOLD = 5;

/** Return how the last attempts have ended, on a line. */
export function endsText(attempts: readonly IAttempt[], trans: TranslationBundle): string {
  const ends = attempts.slice(-TOLD).map(one => endText(one, trans) || trans.__('goes on'));
  return (attempts.length > TOLD ? ['…', ...ends] : ends).join(', ');
}

/** The launches of a run, where there was more than one. */
export function AttemptTable(props: {
  attempts: readonly IAttempt[];
  trans: TranslationBundle;
}): JSX.Element {
  const { attempts, trans } = props;
  return (
    <details className="jp-Flotilla-attempts">
      <summary>
        {trans._n('%1 attempt', '%1 attempts', attempts.length)}: {endsText(attempts, trans)}
      </summary>
      <div className="jp-Flotilla-tableBox" tabIndex={0} role="region" aria-label={trans.__('Attempts')}>
        <table className="jp-Flotilla-table">
          <thead>
            <tr>
              <th scope="col">{trans.__('Attempt')}</th>
              <th scope="col">{trans.__('Had')}</th>
              <th scope="col" data-number>
                {trans.__('Time')}
              </th>
              <th scope="col" data-number>
                {trans.__('Peak')}
              </th>
              <th scope="col" data-number>
                {trans.__('Charge')}
              </th>
              <th scope="col">{trans.__('End')}</th>
            </tr>
          </thead>
          <tbody>
            {attempts.map(attempt => (
              <tr key={attempt.number}>
                <th scope="row">{attempt.number}</th>
                <td data-whole>{resourcesText(attempt.resources, trans)}</td>
                <td data-number>
                  {attempt.duration_s === null ? '–' : formatDuration(attempt.duration_s)}
                </td>
                <td data-number>
                  {attempt.usage?.peak_memory_mib
                    ? formatMemory(attempt.usage.peak_memory_mib)
                    : '–'}
                </td>
                <td data-number>
                  {attempt.charge_usd === null ? '–' : formatMoney(attempt.charge_usd)}
                </td>
                <td>
                  {endText(attempt, trans)}
                  {attempt.message && <small> {attempt.message}</small>}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
