import type { TranslationBundle } from '@jupyterlab/translation';
import { useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { ErrorNote } from '../../components/ErrorNote';
import { errorsByField, shownError } from '../found';
import type { LaunchModel } from '../model';
import { ConflictNote } from './ConflictNote';
import { CopyAs } from './CopyAs';
import { problemOf } from './Problem';
import { LaunchBar } from './LaunchBar';
import { Price } from './Price';
import { Settings } from './Settings';
import { TimingFields } from './TimingFields';
import { Travels } from './Travels';
import { WhatFields } from './WhatFields';

const ID = 'jp-flotilla-launch-';

export interface ILaunchFormProps {
  model: LaunchModel;
  /** Let the user choose a file; null: there is nothing to choose with. */
  onBrowse: (() => void) | null;
  onCopy: (text: string) => void;
  onOpen: (id: string) => void;
  /** What a run is called; null: it is not known here. */
  nameOf: (id: string) => string | null;
  /** Show the schedules. */
  onShowSchedules: () => void;
  /** Milliseconds since 1970, by the server's clock. */
  now: () => number;
  trans: TranslationBundle;
}

/** The launch form: what, where, how large, with which values, at what price. */
export function LaunchForm(props: ILaunchFormProps): JSX.Element {
  const { model, onBrowse, onCopy, onOpen, nameOf, trans } = props;
  const shown = useSyncExternalStore(model.subscribe, model.snapshot);
  const [copied, setCopied] = useState('');
  const root = useRef<HTMLFormElement>(null);
  const { form, formError, engine, wishes, planned, parameters, progress, timing } = shown;
  const { plan, isStale } = planned;
  const isScheduled = timing !== null;
  const { given } = shown.subject;
  const errors = errorsByField(shown);
  const problemAt = (field: string) => (errors[field] ? problemOf(errors[field]) : null);
  const goToProblem = () => {
    root.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  };
  useEffect(() => {
    if (progress.step === 'failed') {
      goToProblem();
    }
  }, [progress]);
  useEffect(() => {
    if (isScheduled) {
      // whoever has asked for it goes on there
      root.current?.querySelector<HTMLElement>(`#${ID}when`)?.focus();
    }
  }, [isScheduled, timing?.edited, form === null]);
  useEffect(() => setCopied(''), [shown.subject, wishes, progress]);
  const launch = () => {
    if (Object.keys(parameters.problems).length) {
      goToProblem();
    } else {
      void model.launch();
    }
  };
  return (
    <form
      className="jp-Flotilla-form"
      aria-label={trans.__('Launch')}
      ref={root}
      // Enter in a field spends no money
      onSubmit={event => event.preventDefault()}
    >
      <WhatFields
        idPrefix={ID}
        subject={shown.subject}
        givenName={given?.kind === 'retry' ? nameOf(given.run) : null}
        problem={problemAt('what')}
        onChoose={choice => model.choose(choice)}
        onFile={path => model.chooseFile(path)}
        onBrowse={onBrowse}
        isScheduled={isScheduled}
        trans={trans}
      />
      {form && timing && (
        <TimingFields
          idPrefix={ID}
          form={form}
          shown={shown}
          timing={timing}
          now={props.now()}
          problemAt={problemAt}
          onChange={(keyword, text) => model.setTiming(keyword, text)}
          onOpenRules={isOpen => model.setOpen('rules', isOpen)}
          trans={trans}
        />
      )}
      {!form && !formError && <p className="jp-Flotilla-loading">{trans.__('Loading…')}</p>}
      {formError && !errors['what'] && (
        <ErrorNote error={formError} onRetry={() => void model.reload()} trans={trans} />
      )}
      {form && (
        <Settings
          idPrefix={ID}
          form={form}
          shown={shown}
          model={model}
          problemAt={problemAt}
          trans={trans}
        />
      )}
      {plan && (
        <>
          <Travels
            plan={plan}
            engine={engine}
            isOpen={shown.open.includes('travels')}
            onOpen={isOpen => model.setOpen('travels', isOpen)}
            trans={trans}
          />
          <Price
            plan={plan}
            schedule={isScheduled ? planned.schedule : undefined}
            engine={engine}
            isStale={isStale}
            onUse={options => model.wish({ ...wishes, options: { ...wishes.options, ...options } })}
            trans={trans}
          />
        </>
      )}
      <CopyAs
        commands={plan && !isStale ? plan.commands : null}
        onCopy={(text, what) => {
          onCopy(text);
          setCopied(trans.__('Copied as %1.', what));
        }}
        trans={trans}
      />
      {progress.step === 'conflict' && timing?.edited && (
        <ConflictNote
          message={progress.error.message}
          seen={timing.edited}
          theirs={progress.theirs}
          options={form?.options ?? []}
          onTakeTheirs={theirs => model.editFrom(theirs)}
          onKeepMine={theirs => model.keepMine(theirs)}
          trans={trans}
        />
      )}
      <LaunchBar
        idPrefix={ID}
        shown={shown}
        error={shownError(shown, errors)}
        isFieldWrong={Object.keys(errors).length + Object.keys(parameters.problems).length > 0}
        copied={copied}
        onLaunch={launch}
        onSchedule={isOn => (isOn ? void model.schedule() : model.unschedule())}
        onShowSchedules={props.onShowSchedules}
        onReset={() => model.reset()}
        onOpen={onOpen}
        trans={trans}
      />
    </form>
  );
}
