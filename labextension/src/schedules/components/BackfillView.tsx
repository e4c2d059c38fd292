import type { TranslationBundle } from '@jupyterlab/translation';
import { useEffect, useState, useSyncExternalStore } from 'react';
import { ErrorNote } from '../../components/ErrorNote';
import { formatMoney } from '../../format';
import type { IBackfill, IScheduleDetail } from '../../wire';
import type { BackfillModel } from '../backfill';
import { CloserView } from './CloserView';
import { WaitingBackfill } from './WaitingBackfill';

function plannedText(planned: IBackfill, trans: TranslationBundle): string {
  const { ticks, ceiling_usd } = planned;
  const count = trans._n('%1 run', '%1 runs', ticks);
  return ceiling_usd === null
    ? trans.__('%1, nothing limits what they cost', count)
    : trans.__('%1, at most %2 together', count, formatMoney(ceiling_usd));
}

/** Which ticks of the past are to run, how many that are and what they cost, and then a button. */
export function BackfillView(props: {
  detail: IScheduleDetail;
  make: () => BackfillModel;
  /** Run them; says whether they will. */
  onRun: (model: BackfillModel) => Promise<boolean>;
  /** Leave out what waits of one that was begun. */
  onStop: () => void;
  onBack: () => void;
  trans: TranslationBundle;
}): JSX.Element | null {
  const [model, setModel] = useState<BackfillModel | null>(null);
  useEffect(() => {
    const made = props.make();
    setModel(made);
    return () => made.dispose();
  }, []);
  return model && <Fields {...props} model={model} />;
}

function Fields(
  props: Parameters<typeof BackfillView>[0] & { model: BackfillModel }
): JSX.Element {
  const { detail, model, onRun, onStop, onBack, trans } = props;
  const { from, to, isAgain, planned, error, isStale } = useSyncExternalStore(
    model.subscribe,
    model.snapshot
  );
  const field = (name: 'from' | 'to', label: string, value: string) => (
    <label className="jp-Flotilla-field">
      <span>{label}</span>
      <input
        type="datetime-local"
        value={value}
        onChange={event => model.set({ [name]: event.target.value })}
      />
    </label>
  );
  return (
    <CloserView
      title={trans.__('Backfill %1', detail.name)}
      onBack={onBack}
      trans={trans}
    >
      <p className="jp-Flotilla-small">
        {trans.__('Runs moments of the past, the oldest first. Times are of %1.', detail.zone)}
      </p>
      <WaitingBackfill count={detail.backfill_waits} onStop={onStop} trans={trans} />
      {field('from', trans.__('From'), from)}
      {field('to', trans.__('To, included'), to)}
      <label className="jp-Flotilla-choice">
        <input
          type="checkbox"
          checked={isAgain}
          onChange={event => model.set({ isAgain: event.target.checked })}
        />
        <span>{trans.__('Also those that have a run')}</span>
      </label>
      <p role="status" aria-busy={isStale}>
        {planned ? plannedText(planned, trans) : isStale ? trans.__('Asking for the price…') : ''}
      </p>
      {planned && planned.made > 0 && (
        <p className="jp-Flotilla-small">
          {trans._n('%1 of that time has a run already.', '%1 of that time have runs already.', planned.made)}
        </p>
      )}
      {planned?.asks.map(ask => (
        <p key={ask} className="jp-Flotilla-small">
          {trans.__('To be agreed to: %1', ask)}
        </p>
      ))}
      {error && <ErrorNote error={error} trans={trans} />}
      <button
        type="button"
        className="jp-Flotilla-button"
        data-kind="primary"
        disabled={planned === null || isStale}
        onClick={() => void onRun(model)}
      >
        {planned ? trans._n('Run %1', 'Run %1', planned.ticks) : trans.__('Run')}
      </button>
    </CloserView>
  );
}
