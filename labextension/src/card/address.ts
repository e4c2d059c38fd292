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
  const url = new URL(window.location.href);
  if (url.searchParams.has(PARAMETER)) {
    url.searchParams.delete(PARAMETER);
    window.history.replaceState(window.history.state, '', url);
  }
  if (runId) {
    open.run(runId);
  }
}
