import type { TranslationBundle } from '@jupyterlab/translation';
import type { IReadParameters } from './parameters';
import { readParameters } from './parameters';
import type { ILaunchSnapshot } from './shown';
import { withoutGrid } from './timing';

export const NO_PARAMETERS: IReadParameters = { params: {}, grid: {}, problems: {} };

/** Return what the parameters come to that were typed. */
export function parametersOf(
  { form, subject, wishes }: Pick<ILaunchSnapshot, 'form' | 'subject' | 'wishes'>,
  isScheduled: boolean,
  trans: TranslationBundle
): IReadParameters {
  const parameters = subject.choice === 'cells' ? null : form?.parameters;
  if (!parameters) {
    return NO_PARAMETERS;
  }
  const read = readParameters(parameters, wishes.parameters, trans);
  return isScheduled ? withoutGrid(read, trans) : read;
}
