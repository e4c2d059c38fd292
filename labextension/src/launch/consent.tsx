import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { FlotillaError } from '../api';

/**
 * Return the sentences of a refusal, each a thing to agree to.
 *
 * @param asks those of the last plan: where they are the same, they say where each one ends
 */
export function sentencesOf(refusal: FlotillaError, asks: readonly string[]): readonly string[] {
  return asks.join('; ') === refusal.message ? asks : [refusal.message];
}

/**
 * Ask for the consent without which something was refused.
 *
 * @param words what is asked; without them, whether to launch
 */
export async function askConsent(
  sentences: readonly string[],
  trans: TranslationBundle,
  words?: { title: string; label: string }
): Promise<boolean> {
  const body = ReactWidget.create(
    <ul className="jp-Flotilla-consent">
      {sentences.map(sentence => (
        <li key={sentence}>{sentence}</li>
      ))}
    </ul>
  );
  const answer = await showDialog({
    title: words?.title ?? trans.__('Launch it?'),
    body,
    buttons: [
      Dialog.cancelButton(),
      Dialog.okButton({ label: words?.label ?? trans.__('Agree and launch') })
    ],
    // money is spent by a choice, never by a key that was pressed once too often
    defaultButton: 0
  });
  return answer.button.accept;
}
