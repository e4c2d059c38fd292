import type { TranslationBundle } from '@jupyterlab/translation';
import { useEffect, useState } from 'react';
import type { FlotillaApi } from '../../api';
import { formatDuration, formatMemory } from '../../format';
import type { IEngine, IRunDetail, Options } from '../../wire';

/** Return the engine of a run, as soon as it is known. */
function useEngine(api: FlotillaApi, name: string): IEngine | null {
  const [engine, setEngine] = useState<IEngine | null>(null);
  useEffect(() => {
    let isWanted = true;
    api.engines().then(
      engines => isWanted && setEngine(engines.find(one => one.name === name) ?? null),
      () => undefined // without it the fields are free
    );
    return () => {
      isWanted = false;
    };
  }, [api, name]);
  return engine;
}

/** The fields of a retry: what is left empty is as it was. */
export function RetryFields(props: {
  detail: IRunDetail;
  begin: Options;
  problem: string;
  api: FlotillaApi;
  onChange: (changes: Options) => void;
  trans: TranslationBundle;
}): JSX.Element {
  const { detail, begin, problem, api, onChange, trans } = props;
  const { resources, spec } = detail;
  const [changes, setChanges] = useState(begin);
  const engine = useEngine(api, detail.engine);
  const hasSpot = resources.spot || (engine?.honours.includes('spot') ?? false);
  const set = (name: string, value: Options[string] | undefined) => {
    const next = { ...changes };
    delete next[name];
    if (value !== undefined && value !== '') {
      next[name] = value;
    }
    setChanges(next);
    onChange(next);
  };
  const field = (name: string, label: string, was: string, hint: string) => (
    <label>
      <span>{label}</span>
      <input
        type="text"
        className="jp-mod-styled"
        name={name}
        value={String(changes[name] ?? '')}
        placeholder={was}
        onChange={event => set(name, event.target.value.trim())}
      />
      <small>{hint}</small>
    </label>
  );
  const timeout = typeof spec.timeout_s === 'number' ? formatDuration(spec.timeout_s) : '';
  return (
    <div className="jp-Flotilla-retryFields">
      {problem && (
        <p className="jp-Flotilla-note" data-kind="error" role="alert">
          {problem}
        </p>
      )}
      <p>{trans.__('What is left empty stays as it was.')}</p>
      {field(
        'memory',
        trans.__('Memory'),
        resources.memory_mib === null ? trans.__('no limit') : formatMemory(resources.memory_mib),
        trans.__('such as 16G')
      )}
      {field('cpu', trans.__('vCPU'), String(resources.cpu), trans.__('such as 4'))}
      {field('timeout', trans.__('Timeout'), timeout || trans.__('none'), trans.__('such as 2h'))}
      {hasSpot && (
        <label className="jp-Flotilla-check">
          <input
            type="checkbox"
            name="spot"
            checked={Boolean(changes.spot ?? resources.spot)}
            onChange={event => set('spot', event.target.checked)}
          />
          <span>{trans.__('Spot: cheaper, may be taken away')}</span>
        </label>
      )}
    </div>
  );
}
