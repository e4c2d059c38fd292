import { HTMLSelect } from '@jupyterlab/ui-components';
import { choicesOf, controlOf, suggestionsOf, usualText } from '../options';
import { valueText } from '../wishes';
import type { IControlProps } from './Field';
import type { IOptionFieldProps } from './OptionField';

/** The control of an option that has a value: a choice, a line, or one line for each value. */
export function OptionText(props: IOptionFieldProps & { control: IControlProps }): JSX.Element {
  const { id, option, wish, usual, control, onChange, trans } = props;
  const text = typeof wish === 'string' ? wish : '';
  const placeholder = valueText(usual?.value ?? null) || usualText(option) || option.metavar;
  const choices = choicesOf(option);
  const suggestions = props.suggestions ?? suggestionsOf(option);
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
