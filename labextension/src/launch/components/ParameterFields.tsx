import type { TranslationBundle } from '@jupyterlab/translation';
import type { IParameter } from '../../wire';
import { gridSize } from '../parameters';
import type { IReadParameters } from '../parameters';
import type { IWishes } from '../wishes';
import { withParameter } from '../wishes';
import type { IFieldProblem } from './Problem';
import { ParameterField } from './ParameterField';

export interface IParameterFieldsProps {
  idOf: (name: string) => string;
  parameters: readonly IParameter[];
  read: IReadParameters;
  wishes: IWishes;
  /** What the server has found wrong. */
  problemOf: (name: string) => IFieldProblem | null;
  onChange: (wishes: IWishes) => void;
  /** Fields of options that only grids have. */
  children: React.ReactNode;
  trans: TranslationBundle;
}

/** The parameters of the notebook, each with its type; several values make a grid. */
export function ParameterFields(props: IParameterFieldsProps): JSX.Element {
  const { idOf, parameters, read, wishes, problemOf, onChange, children, trans } = props;
  const size = gridSize(read.grid);
  return (
    <fieldset className="jp-Flotilla-fields" data-described="true">
      <legend>{trans.__('Parameters')}</legend>
      {parameters.length === 0 && (
        <p className="jp-Flotilla-help">
          {trans.__('The cell tagged “parameters” sets none.')}
        </p>
      )}
      {parameters.map(parameter => {
        const { name } = parameter;
        const wrong = Object.prototype.hasOwnProperty.call(read.problems, name);
        return (
          <ParameterField
            key={name}
            id={idOf(name)}
            parameter={parameter}
            wish={wishes.parameters[name]}
            problem={wrong ? { message: read.problems[name], next: null } : problemOf(name)}
            onChange={wish => onChange(withParameter(wishes, name, wish))}
            trans={trans}
          />
        );
      })}
      {Object.keys(read.grid).length > 0 && (
        <>
          <p className="jp-Flotilla-help">
            {trans._n('Grid: %1 run', 'Grid: %1 runs, all values with all', size)}
          </p>
          <div className="jp-Flotilla-fields">{children}</div>
        </>
      )}
    </fieldset>
  );
}
