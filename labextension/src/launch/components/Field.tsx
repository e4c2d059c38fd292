import type { IFieldProblem } from './Problem';
import { Problem } from './Problem';

/** What ties a control to its label, its description and its problem. */
export interface IControlProps {
  id: string;
  'aria-describedby'?: string;
  'aria-invalid'?: true;
}

export interface IFieldProps {
  id: string;
  label: string;
  /** Beside the label, smaller: a type or a unit. */
  unit?: string;
  help?: string;
  /** Below the field; else it is only there for who points at it, or has it read. */
  isHelpShown?: boolean;
  problem?: IFieldProblem | null;
  /** It has a row to itself. */
  isWide?: boolean;
  children: (control: IControlProps) => React.ReactNode;
}

/** A control with its label, its description and what is wrong with it. */
export function Field(props: IFieldProps): JSX.Element {
  const { id, label, unit, help, isHelpShown, problem, isWide, children } = props;
  const described = [problem && `${id}-problem`, help && `${id}-help`].filter(Boolean).join(' ');
  const control: IControlProps = { id };
  if (described) {
    control['aria-describedby'] = described;
  }
  if (problem) {
    control['aria-invalid'] = true;
  }
  return (
    <div
      className="jp-Flotilla-field"
      data-wide={Boolean(problem) || isWide || undefined}
      title={isHelpShown ? undefined : help}
    >
      <label htmlFor={id}>
        <bdi>{label}</bdi>
        {unit && <span className="jp-Flotilla-unit"> {unit}</span>}
      </label>
      {children(control)}
      {problem && <Problem id={`${id}-problem`} problem={problem} />}
      {help && (
        <p id={`${id}-help`} className="jp-Flotilla-help" hidden={!isHelpShown}>
          {help}
        </p>
      )}
    </div>
  );
}
