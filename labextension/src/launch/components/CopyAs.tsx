import type { TranslationBundle } from '@jupyterlab/translation';
import type { IPlan } from '../../wire';

type Words = keyof IPlan['commands'];

/** Buttons that copy the same launch in other words. */
export function CopyAs(props: {
  commands: IPlan['commands'] | null;
  onCopy: (text: string, what: string) => void;
  trans: TranslationBundle;
}): JSX.Element {
  const { commands, onCopy, trans } = props;
  const faces: { words: Words; label: string; name: string }[] = [
    { words: 'magic', label: trans.__('magic'), name: trans.__('Copy as magic') },
    { words: 'cli', label: trans.__('CLI'), name: trans.__('Copy as CLI') },
    { words: 'python', label: trans.__('Python'), name: trans.__('Copy as Python') }
  ];
  return (
    <div className="jp-Flotilla-copyAs" role="group" aria-label={trans.__('Copy as')}>
      <span aria-hidden="true">{trans.__('Copy as')}</span>
      {faces.map(({ words, label, name }) => (
        <button
          key={words}
          type="button"
          className="jp-Flotilla-chip"
          aria-label={name}
          title={commands?.[words] || trans.__('It has no words for this')}
          disabled={!commands?.[words]}
          onClick={() => commands && onCopy(commands[words], label)}
        >
          {label}
        </button>
      ))}
    </div>
  );
}
