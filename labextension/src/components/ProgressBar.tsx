import type { TranslationBundle } from '@jupyterlab/translation';
import type { IProgress } from '../wire';

/** How far a job is; without a total it only says that something goes on. */
export function ProgressBar(props: {
  progress: IProgress;
  trans: TranslationBundle;
}): JSX.Element {
  const { progress, trans } = props;
  const { fraction } = progress;
  const percent = fraction === null ? undefined : Math.round(fraction * 100);
  return (
    <span
      className="jp-Flotilla-progress"
      role="progressbar"
      aria-label={trans.__('Progress')}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
      aria-valuetext={progress.text || undefined}
      title={progress.text || undefined}
      data-unknown={fraction === null || undefined}
    >
      <span style={{ width: percent === undefined ? undefined : `${percent}%` }} />
    </span>
  );
}
