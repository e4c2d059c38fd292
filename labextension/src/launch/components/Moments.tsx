import type { TranslationBundle } from '@jupyterlab/translation';
import { useId } from 'react';
import { momentsOf, shiftText } from '../../schedules/moments';

/** When something runs, in words, and its next moments; where clocks change, that is said. */
export function Moments(props: {
  whenText: string;
  zone: string;
  upcoming: readonly string[];
  /** Milliseconds since 1970, by the server's clock. */
  now: number;
  /** A newer answer is on its way. */
  isStale: boolean;
  trans: TranslationBundle;
}): JSX.Element {
  const { whenText, zone, upcoming, now, isStale, trans } = props;
  const id = useId();
  const moments = momentsOf(upcoming, zone, now);
  return (
    <section
      className="jp-Flotilla-moments"
      aria-labelledby={id}
      aria-busy={isStale}
      data-stale={isStale || undefined}
    >
      <p id={id} role="status">
        <bdi>{whenText}</bdi>
      </p>
      {moments.length > 0 && (
        <ol aria-label={trans.__('The next runs')}>
          {moments.map(({ iso, day, clock, offset, shiftMin }) => (
            <li key={iso} data-shift={shiftMin !== 0 || undefined}>
              <span>{day}</span>
              <span>{clock}</span>
              <span className="jp-Flotilla-unit">{offset}</span>
              {shiftMin !== 0 && (
                <span className="jp-Flotilla-shift">{shiftText(shiftMin, trans)}</span>
              )}
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}
