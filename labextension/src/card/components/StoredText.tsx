import type { TranslationBundle } from '@jupyterlab/translation';

/** What a notebook has stored of a card: a text, and nothing that could be pressed. */
export function StoredText(props: {
  lines: readonly string[];
  note?: string;
  trans: TranslationBundle;
}): JSX.Element {
  const { lines, note, trans } = props;
  return (
    <div
      className="jp-Flotilla-card"
      data-stored
      role="group"
      aria-label={trans.__('Stored card of a run')}
    >
      <pre tabIndex={0}>{lines.length ? lines.join('\n') : trans.__('A card of a run, with nothing in it.')}</pre>
      {note && <p className="jp-Flotilla-cardNote">{note}</p>}
    </div>
  );
}
