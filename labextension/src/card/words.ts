import type { TranslationBundle } from '@jupyterlab/translation';
import { isolated } from '../format';
import type { IRun } from '../wire';

/** Tags that name who pays, the first one that a run has. */
const PAYERS = ['team', 'cost-center', 'cost_center', 'project'];

/** Return who pays for a run, in few words. */
export function payerText(run: IRun, trans: TranslationBundle): string {
  if (!run.is_billed) {
    return trans.__('nobody: it runs locally');
  }
  const tag = PAYERS.find(name => run.tags[name]);
  return tag ? `${tag} ${isolated(run.tags[tag])}` : trans.__('the account of %1', run.engine);
}

/** Return the command that stops a run from anywhere. */
export function cancelCommand(run: IRun): string {
  return `jupyter flotilla cancel ${run.short_id}`;
}
