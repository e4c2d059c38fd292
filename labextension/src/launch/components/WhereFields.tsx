import type { TranslationBundle } from '@jupyterlab/translation';
import { HTMLSelect } from '@jupyterlab/ui-components';
import type { IEngine, IForm } from '../../wire';
import { Field } from './Field';
import type { IFieldProblem } from './Problem';
import { Problem } from './Problem';

export interface IWhereFieldsProps {
  idPrefix: string;
  form: IForm;
  engine: IEngine | null;
  profile: string;
  problem: IFieldProblem | null;
  profileProblem: IFieldProblem | null;
  onEngine: (name: string) => void;
  onProfile: (name: string) => void;
  /** Look anew which engines can be used. */
  onCheck: () => void;
  trans: TranslationBundle;
}

/** Where it runs: every engine with how it stands; those that cannot be used say what to do. */
export function WhereFields(props: IWhereFieldsProps): JSX.Element {
  const { idPrefix, form, engine, profile, problem, profileProblem, trans } = props;
  const { onEngine, onProfile, onCheck } = props;
  const id = (name: string) => `${idPrefix}where-${name}`;
  return (
    <fieldset className="jp-Flotilla-fields">
      <legend>{trans.__('Where')}</legend>
      {form.engines.map(one => (
        <div key={one.name} className="jp-Flotilla-engine">
          <label className="jp-Flotilla-choice" data-disabled={!one.ok || undefined}>
            <input
              type="radio"
              name={id('engine')}
              value={one.name}
              checked={one.name === engine?.name}
              disabled={!one.ok}
              aria-describedby={`${id(one.name)}${problem ? ` ${id('problem')}` : ''}`}
              onChange={() => onEngine(one.name)}
            />
            <span>
              <span className="jp-Flotilla-engineName">{one.name}</span>
              {!one.ok && <span className="jp-Flotilla-unit"> {trans.__('not available')}</span>}
            </span>
          </label>
          <p id={id(one.name)} className="jp-Flotilla-help">
            {one.message}
            {!one.ok && one.next && <span className="jp-Flotilla-next"> → {one.next}</span>}
          </p>
        </div>
      ))}
      {form.engines.some(one => !one.ok) && (
        <button type="button" className="jp-Flotilla-plain" onClick={onCheck}>
          {trans.__('Check again')}
        </button>
      )}
      {problem && <Problem id={id('problem')} problem={problem} />}
      {form.profiles.length > 0 && (
        <Field id={id('profile')} label={trans.__('Profile')} problem={profileProblem}>
          {control => (
            <HTMLSelect
              {...control}
              value={profile}
              onChange={event => onProfile(event.target.value)}
              options={[
                { value: '', label: trans.__('None') },
                ...form.profiles.map(value => ({ value, label: `@${value}` }))
              ]}
            />
          )}
        </Field>
      )}
    </fieldset>
  );
}
