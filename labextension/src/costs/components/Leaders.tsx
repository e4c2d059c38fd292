import type { TranslationBundle } from '@jupyterlab/translation';
import { formatCost, GLYPHS, statusText } from '../../format';
import type { IRun } from '../../wire';

/** A run on a leaderboard. */
export interface ILeader {
  run: IRun;
  usd: number;
  text: string;
}

/** Return what is said beside the amount: the server's text begins with that again. */
export function reasonOf(text: string): string {
  const [first, ...others] = text.split(' · ');
  return (/^<?\$/.test(first) && !/ /.test(first) ? others : [first, ...others]).join(' · ');
}

/** Runs in order of what they cost, or cost for nothing; each opens its tab. */
export function Leaders(props: {
  title: string;
  leaders: readonly ILeader[];
  /** What stands there where there are none. */
  none: string;
  onOpen: (id: string) => void;
  trans: TranslationBundle;
}): JSX.Element {
  const { title, leaders, none, onOpen, trans } = props;
  return (
    <section>
      <h3>{title}</h3>
      {leaders.length === 0 && <p className="jp-Flotilla-small">{none}</p>}
      <ol className="jp-Flotilla-leaders">
        {leaders.map(({ run, usd, text }) => (
          <li key={run.id}>
            <button
              type="button"
              className="jp-Flotilla-leader"
              title={trans.__('Open %1', run.id)}
              onClick={() => onOpen(run.id)}
            >
              <span className="jp-Flotilla-status" data-status={run.status}>
                <span
                  className="jp-Flotilla-glyph"
                  role="img"
                  aria-label={statusText(run, trans)}
                >
                  {GLYPHS[run.status] ?? '?'}
                </span>
              </span>
              <bdi className="jp-Flotilla-barName">{run.name}</bdi>
              <span className="jp-Flotilla-amount">{formatCost(run, usd)}</span>
            </button>
            {reasonOf(text) && <p className="jp-Flotilla-small">{reasonOf(text)}</p>}
          </li>
        ))}
      </ol>
    </section>
  );
}
