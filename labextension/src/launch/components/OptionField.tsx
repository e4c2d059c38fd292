import type { TranslationBundle } from '@jupyterlab/translation';
import type { IForm, IOption } from '../../wire';
import { controlOf } from '../options';
import { Field } from './Field';
import { OptionFlag } from './OptionFlag';
import { OptionText } from './OptionText';
import type { IFieldProblem } from './Problem';

export interface IOptionFieldProps {
  id: string;
  option: IOption;
  /** What was typed or ticked; undefined: nothing. */
  wish: string | boolean | undefined;
  /** What it is otherwise, and who said so. */
  usual: IForm['defaults'][string] | undefined;
  problem?: IFieldProblem | null;
  isHelpShown?: boolean;
  /** Values to pick from while typing, where they are not known of the option itself. */
  suggestions?: readonly string[];
  onChange: (value: string | boolean | undefined) => void;
  trans: TranslationBundle;
}

/** The field of one option, by what the option table says of it. */
export function OptionField(props: IOptionFieldProps): JSX.Element {
  const { id, option, usual, problem, isHelpShown, trans } = props;
  const help = usual?.source ? `${option.help} (${trans.__('from %1', usual.source)})` : option.help;
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
        isFlag ? (
          <OptionFlag {...props} control={control} />
        ) : (
          <OptionText {...props} control={control} />
        )
      }
    </Field>
  );
}
