import type { TranslationBundle } from '@jupyterlab/translation';
import { GLYPHS, statusText } from '../format';
import type { IRun } from '../wire';

/** Where a run is: a glyph, a word and a colour. */
export function StatusPill(props: { run: IRun; trans: TranslationBundle }): JSX.Element {
  const { run, trans } = props;
  const text = statusText(run, trans);
  return (
    <span className="jp-Flotilla-status" data-status={run.status} title={text}>
      <span className="jp-Flotilla-glyph" aria-hidden="true">
        {GLYPHS[run.status] ?? '?'}
      </span>
      <span className="jp-Flotilla-word">{text}</span>
    </span>
  );
}
