import type { TranslationBundle } from '@jupyterlab/translation';
import { isOpen } from '../../query';
import type { IRunDetail } from '../../wire';
import type { DetailActions } from '../actions';

/** What can be done with a run, as it stands; what may help first. */
export function RunButtons(props: {
  detail: IRunDetail;
  actions: DetailActions;
  trans: TranslationBundle;
}): JSX.Element {
  const { detail, actions, trans } = props;
  const isGoingOn = isOpen(detail);
  // without changes, what is suggested is the plain retry
  const isRepeat =
    detail.suggestion !== null && Object.keys(detail.suggestion.options).length === 0;
  const button = (label: string, onClick: () => void, kind?: 'primary') => (
    <button type="button" className="jp-Flotilla-button" data-kind={kind} onClick={onClick}>
      {label}
    </button>
  );
  return (
    <div className="jp-Flotilla-actions" role="group" aria-label={trans.__('Actions')}>
      {isGoingOn && !detail.cancel_requested_at && button(trans.__('Cancel…'), actions.cancel)}
      {!isGoingOn &&
        detail.suggestion &&
        button(detail.suggestion.label, actions.retryAsSuggested, 'primary')}
      {!isGoingOn && !isRepeat && button(trans.__('Retry'), actions.retry)}
      {!isGoingOn && button(trans.__('Retry with changes…'), actions.retryWithChanges)}
      {detail.notebook && button(actions.openLabel(detail), actions.openFile)}
      {!isGoingOn &&
        button(detail.is_kept ? trans.__('Keep no longer') : trans.__('Keep'), actions.keep)}
    </div>
  );
}
