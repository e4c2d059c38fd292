import type { TranslationBundle } from '@jupyterlab/translation';
import { useEffect, useRef } from 'react';
import type { IOption, IScheduleDetail } from '../../wire';
import { differences } from '../differences';

/** Somebody else has changed the schedule meanwhile: who, what, and what can be done about it. */
export function ConflictNote(props: {
  message: string;
  /** As it was when this edit began. */
  seen: IScheduleDetail;
  /** As it is now; null: that is not known. */
  theirs: IScheduleDetail | null;
  /** Of jobs, for their names. */
  options: readonly IOption[];
  onTakeTheirs: (theirs: IScheduleDetail) => void;
  onKeepMine: (theirs: IScheduleDetail) => void;
  trans: TranslationBundle;
}): JSX.Element {
  const { message, seen, theirs, options, onTakeTheirs, onKeepMine, trans } = props;
  const note = useRef<HTMLDivElement>(null);
  useEffect(() => note.current?.focus(), []);
  return (
    <div
      className="jp-Flotilla-note jp-Flotilla-conflict"
      data-kind="offline"
      role="alert"
      tabIndex={-1}
      ref={note}
    >
      <p>{message}</p>
      <p>{trans.__('Nothing of yours is saved, and nothing of theirs is lost.')}</p>
      {theirs && (
        <>
          <ul>
            {differences(seen, theirs, options, trans).map(({ label, was, is }) => (
              <li key={label}>
                {label}: <bdi>{was || '–'}</bdi> → <bdi>{is || '–'}</bdi>
              </li>
            ))}
          </ul>
          <button
            type="button"
            className="jp-Flotilla-button"
            title={trans.__('What you have changed here is forgotten')}
            onClick={() => onTakeTheirs(theirs)}
          >
            {trans.__('Load theirs')}
          </button>
          <button
            type="button"
            className="jp-Flotilla-button"
            title={trans.__('Your fields stay as you see them; the others become theirs')}
            onClick={() => onKeepMine(theirs)}
          >
            {trans.__('Keep my changes on top')}
          </button>
        </>
      )}
    </div>
  );
}
