import type { TranslationBundle } from '@jupyterlab/translation';
import type { IParameter } from '../../wire';
import { kindOf } from '../parameters';
import type { IParameterWish } from '../wishes';
import { defaultText, switched } from '../grid_switch';
import type { IControlProps } from './Field';
import { Field } from './Field';
import type { IFieldProblem } from './Problem';

export interface IParameterFieldProps {
  id: string;
  parameter: IParameter;
  wish: IParameterWish | undefined;
  problem: IFieldProblem | null;
  onChange: (wish: IParameterWish) => void;
  trans: TranslationBundle;
}

/** The field of a parameter, by its type; with "grid" a list of values. */
export function ParameterField(props: IParameterFieldProps): JSX.Element {
  const { id, parameter, wish, problem, onChange, trans } = props;
  const kind = kindOf(parameter);
  const isGrid = wish?.isGrid ?? false;
  const text = wish?.text ?? '';
  const usual = defaultText(parameter);
  const change = (changed: string) => onChange({ text: changed, isGrid });
  const checkbox = (control: IControlProps) => (
    <input
      {...control}
      type="checkbox"
      className="jp-mod-styled"
      checked={(text || usual) === 'true'}
      onChange={({ target }) => {
        const ticked = String(target.checked);
        change(ticked === usual ? '' : ticked);
      }}
    />
  );
  const input = (control: IControlProps) => (
    <input
      {...control}
      type="text"
      className="jp-mod-styled"
      inputMode={!isGrid && (kind === 'int' || kind === 'float') ? 'decimal' : undefined}
      spellCheck={false}
      autoComplete="off"
      placeholder={usual || parameter.default_text}
      value={text}
      onChange={event => change(event.target.value)}
    />
  );
  return (
    <Field
      id={id}
      label={parameter.name}
      unit={parameter.type ?? undefined}
      help={parameter.help}
      isHelpShown
      problem={problem}
    >
      {control => (
        <div className="jp-Flotilla-parameter">
          {kind === 'bool' && !isGrid ? checkbox(control) : input(control)}
          <button
            type="button"
            className="jp-Flotilla-chip"
            aria-pressed={isGrid}
            aria-label={trans.__('Several values of %1, a run for each', parameter.name)}
            title={trans.__('Several values, a run for each: 1, 2, 3 or 3:9:2')}
            onClick={() => onChange(switched(parameter, { text, isGrid }))}
          >
            {trans.__('grid')}
          </button>
        </div>
      )}
    </Field>
  );
}
