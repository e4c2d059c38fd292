import type { TranslationBundle } from '@jupyterlab/translation';
import { EmptyNote } from '../../components/EmptyNote';

/** Says that the run is no longer there. */
export function Gone(props: {
  runId: string;
  onClose: () => void;
  trans: TranslationBundle;
}): JSX.Element {
  const { runId, onClose, trans } = props;
  return (
    <EmptyNote
      text={trans.__('Run %1 is no longer there: it was cleaned away.', runId)}
      action={trans.__('Close')}
      onAction={onClose}
    />
  );
}
