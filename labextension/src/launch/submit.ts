import type { TranslationBundle } from '@jupyterlab/translation';
import { asFlotillaError } from '../api';
import { askConsent, sentencesOf } from './consent';

/**
 * Send something; what must be agreed to first is asked.
 *
 * @param send with `confirm`, what needs consent is refused
 * @param asks what the last plan has said of that
 * @param words what is asked; without them, whether to launch
 * @returns the answer; null: the user did not agree. Throws a FlotillaError.
 */
export async function submit<T>(
  send: (confirm: boolean) => Promise<T>,
  asks: readonly string[],
  trans: TranslationBundle,
  words?: { title: string; label: string }
): Promise<T | null> {
  try {
    return await send(true);
  } catch (thrown) {
    const refusal = asFlotillaError(thrown);
    if (refusal.code !== 'refused') {
      throw refusal;
    }
    const isAgreed = await askConsent(sentencesOf(refusal, asks), trans, words);
    return isAgreed ? send(false) : null;
  }
}
