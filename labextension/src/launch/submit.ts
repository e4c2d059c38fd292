import { asFlotillaError } from '../api';
import type { IContext } from '../context';
import type { IRunCreated, Options, What } from '../wire';
import { askConsent, sentencesOf } from './consent';

/**
 * Launch; what must be agreed to first is asked.
 *
 * @param asks what the last plan has said of that
 * @returns what was launched; null: the user did not agree. Throws a FlotillaError.
 */
export async function submit(
  { api, trans }: Pick<IContext, 'api' | 'trans'>,
  what: What,
  options: Options,
  asks: readonly string[]
): Promise<IRunCreated | null> {
  try {
    return await api.launch(what, options, true);
  } catch (thrown) {
    const refusal = asFlotillaError(thrown);
    if (refusal.code !== 'refused') {
      throw refusal;
    }
    const isAgreed = await askConsent(sentencesOf(refusal, asks), trans);
    return isAgreed ? api.launch(what, options, false) : null;
  }
}
