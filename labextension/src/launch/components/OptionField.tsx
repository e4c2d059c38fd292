import type { TranslationBundle } from '@jupyterlab/translation';
import { HTMLSelect } from '@jupyterlab/ui-components';
import type { IForm, IOption } from '../../wire';
import { choicesOf, controlOf, suggestionsOf, usualText } from '../options';
import { valueText } from '../wishes';
import type { IControlProps, IFieldProblem } from './Field';
import { Field, sourceText } from './Field';

export interface IOptionFieldProps {
  id: string;
  option: IOption;
  /** What was typed or ticked; undefined: nothing. */
  wish: string | boolean | undefined;
  /** What it is otherwise, and who said so. */
  usual: IForm['defaults'][string] | undefined;
  problem?: IFieldProblem | null;
  isHelpShown?: boolean;
  onChange: (value: string | boolean | undefined) => void;
  trans: TranslationBundle;
}

function Flag(props: IOptionFieldProps & { control: IControlProps }): JSX.Element {
  const { wish, usual, control, onChange } = props;
  const isOnByDefault = usual?.value === true;
  return (
    <input
      {...control}
      type="checkbox"
      className="jp-mod-styled"
      checked={typeof wish === 'boolean' ? wish : isOnByDefault}
      onChange={({ target }) =>
        onChange(target.checked === isOnByDefault ? undefined : target.checked)
      }
    />
  );
}

function TextControl(props: IOptionFieldProps & { control: IControlProps }): JSX.Element {
  const { id, option, wish, usual, control, onChange, trans } = props;
  const text = typeof wish === 'string' ? wish : '';
  const placeholder = valueText(usual?.value ?? null) || usualText(option) || option.metavar;
  const choices = choicesOf(option);
  const suggestions = suggestionsOf(option);
  if (controlOf(option) === 'choice') {
    const usualLabel = trans.__('Default') + (usual ? ` (${valueText(usual.value)})` : '');
    return (
      <HTMLSelect
        {...control}
        value={text}
        onChange={event => onChange(event.target.value)}
        options={[{ value: '', label: usualLabel }, ...choices.map(value => ({ value }))]}
      />
    );
  }
  if (controlOf(option) === 'lines') {
    return (
      <textarea
        {...control}
        className="jp-mod-styled"
        rows={Math.min(6, Math.max(1, text.split('\n').length))}
        spellCheck={false}
        placeholder={trans.__('%1, one a line', placeholder)}
        value={text}
        onChange={event => onChange(event.target.value)}
      />
    );
  }
  return (
    <>
      <input
        {...control}
        type="text"
        className="jp-mod-styled"
        spellCheck={false}
        autoComplete="off"
        maxLength={4096}
        placeholder={placeholder}
        list={suggestions.length ? `${id}-suggestions` : undefined}
        value={text}
        onChange={event => onChange(event.target.value)}
      />
      {suggestions.length > 0 && (
        <datalist id={`${id}-suggestions`}>
          {suggestions.map(value => (
            <option key={value} value={value} />
          ))}
        </datalist>
      )}
    </>
  );
}

/** The field of one option, by what the option table says of it. */
export function OptionField(props: IOptionFieldProps): JSX.Element {
  const { id, option, usual, problem, isHelpShown, trans } = props;
  const help = usual ? `${option.help} (${sourceText(usual.source, trans)})` : option.help;
  const isFlag = controlOf(option) === 'flag';
  return (
    <Field
      id={id}
      label={option.label}
      help={help}
      isHelpShown={isHelpShown}
      problem={problem}
    >
      {control =>
        isFlag ? <Flag {...props} control={control} /> : <TextControl {...props} control={control} />
      }
    </Field>
  );
}
