import type { TranslationBundle } from '@jupyterlab/translation';
import type { ISchedule } from '../../wire';
import { unplacedText } from '../words';

/** What is to be seen of a schedule that AWS does not have as it is; nothing where it has. */
export function Placement(props: {
  schedule: ISchedule;
  trans: TranslationBundle;
}): JSX.Element | null {
  const { schedule, trans } = props;
  const text = unplacedText(schedule, trans);
  return text ? (
    <span
      className="jp-Flotilla-placement"
      title={trans.__('What AWS has of it is not what was saved; a dispatcher tries again every minute')}
    >
      {text}
    </span>
  ) : null;
}
