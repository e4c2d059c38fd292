import type { TranslationBundle } from '@jupyterlab/translation';
import { formatCost } from '../../format';
import type { IRun, ITick } from '../../wire';
import { outcomeOf } from '../words';

/** What became of a tick: glyph, word, duration and cost. */
export function Last(props: {
  tick: ITick;
  run: IRun | undefined;
  trans: TranslationBundle;
}): JSX.Element {
  const { tick, run, trans } = props;
  const { status, glyph, word, took } = outcomeOf(tick, run, trans);
  const cost = run ? formatCost(run, run.cost_usd) : '';
  return (
    <span className="jp-Flotilla-last" title={tick.reason ?? undefined}>
      <span className="jp-Flotilla-status" data-status={status ?? undefined}>
        <span className="jp-Flotilla-glyph" aria-hidden="true">
          {glyph}
        </span>
        <span className="jp-Flotilla-word">{word}</span>
      </span>
      {took && <span>{took}</span>}
      {cost && <span>{cost}</span>}
    </span>
  );
}
