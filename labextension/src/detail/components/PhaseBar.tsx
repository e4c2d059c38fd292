import type { TranslationBundle } from '@jupyterlab/translation';
import type { ITime } from '../../components/time';
import { useNow } from '../../components/time';
import { formatDuration } from '../../format';
import type { IAttempt } from '../../wire';
import { phasesOf, shares } from '../phases';
import { phaseText } from '../words';

/** How long an attempt was in which phase: a bar, and the same in words. */
export function PhaseBar(props: {
  attempt: IAttempt;
  time: ITime;
  trans: TranslationBundle;
}): JSX.Element | null {
  const { attempt, time, trans } = props;
  const now = useNow(time, attempt.ended_at === null);
  const phases = phasesOf(attempt, now);
  if (phases.length === 0) {
    return null;
  }
  const widths = shares(phases.map(phase => phase.durationS));
  return (
    <div className="jp-Flotilla-phases">
      <div className="jp-Flotilla-phaseBar" aria-hidden="true">
        {phases.map((phase, at) => (
          <span
            key={phase.name}
            data-phase={phase.name}
            data-open={phase.isOpen || undefined}
            style={{ flexGrow: widths[at] }}
          />
        ))}
      </div>
      <ul aria-label={trans.__('Phases')}>
        {phases.map(phase => (
          <li key={phase.name} data-phase={phase.name}>
            {phaseText(phase.name)} <b>{formatDuration(phase.durationS, phase.isOpen)}</b>
          </li>
        ))}
      </ul>
    </div>
  );
}
