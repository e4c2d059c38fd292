import type { IOpen } from '../context';
import { readRunId } from './bundle';

/** What of the page's address names a run to open. */
const PARAMETER = 'flotilla-run';

/**
 * Open the tab of the run that the page's address names, once, when the application is there.
 *
 * @param search - Of the address that the page was loaded with; the application may change it.
 */
export async function openFromAddress(
  search: string,
  restored: Promise<unknown>,
  open: Pick<IOpen, 'run'>
): Promise<void> {
  const runId = readRunId(new URLSearchParams(search).get(PARAMETER));
  await restored;
  const { pathname, search: now, hash } = window.location;
  const left = now.slice(1).split('&').filter(one => !one.startsWith(`${PARAMETER}=`));
  if (left.join('&') !== now.slice(1)) {
    const query = left.length ? `?${left.join('&')}` : '';
    window.history.replaceState(window.history.state, '', pathname + query + hash);
  }
  if (runId) {
    open.run(runId);
  }
}
