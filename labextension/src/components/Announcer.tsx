import type { TranslationBundle } from '@jupyterlab/translation';
import { useEffect, useState } from 'react';
import { statusText } from '../format';
import type { RunsModel } from '../runs';
import type { ITransition } from '../transitions';

/** More news than this at once is told as a number. */
const MOST = 3;

/** Return news as they are read out: statuses alone, no percentages. */
export function newsText(transitions: readonly ITransition[], trans: TranslationBundle): string {
  if (transitions.length > MOST) {
    return trans.__('%1 runs have changed', transitions.length);
  }
  return transitions.map(({ run }) => `${run.name}: ${statusText(run, trans)}`).join('. ');
}

/** Tells screen readers, politely, what has become of runs. */
export function Announcer(props: { model: RunsModel; trans: TranslationBundle }): JSX.Element {
  const { model, trans } = props;
  const [text, setText] = useState('');
  useEffect(() => {
    const tell = (_: RunsModel, transitions: ITransition[]) => {
      setText(newsText(transitions, trans));
    };
    model.moved.connect(tell);
    return () => {
      model.moved.disconnect(tell);
    };
  }, [model, trans]);
  return (
    <div className="jp-Flotilla-announcer" role="status" aria-live="polite">
      {text}
    </div>
  );
}
