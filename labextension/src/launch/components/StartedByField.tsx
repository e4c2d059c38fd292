import type { TranslationBundle } from '@jupyterlab/translation';
import { HTMLSelect } from '@jupyterlab/ui-components';
import type { IOption } from '../../wire';
import { Field } from './Field';
import type { IFieldProblem } from './Problem';

/** Who starts the runs of a schedule: a dispatcher of this machine, or the cloud. */
export function StartedByField(props: {
  id: string;
  option: IOption;
  /** `here` or `cloud`; empty: here. */
  text: string;
  problem: IFieldProblem | null;
  onChange: (text: string) => void;
  trans: TranslationBundle;
}): JSX.Element {
  const { id, option, text, problem, onChange, trans } = props;
  const isOfCloud = text === 'cloud';
  const help = isOfCloud
    ? trans.__(
        'AWS starts each run at its time, whatever is switched off here, and as it is now: nothing of here is read then. Its runs come here when somebody uses flotilla.'
      )
    : option.help;
  return (
    <Field
      id={id}
      label={option.label}
      help={help}
      isHelpShown={isOfCloud}
      problem={problem}
      isWide
    >
      {control => (
        <HTMLSelect
          {...control}
          value={text || 'here'}
          onChange={({ target }) => onChange(target.value)}
          options={[
            { value: 'here', label: trans.__('This machine') },
            { value: 'cloud', label: trans.__('AWS, with everything off') }
          ]}
        />
      )}
    </Field>
  );
}
