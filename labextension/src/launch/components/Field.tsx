import type { TranslationBundle } from '@jupyterlab/translation';
import type { FlotillaError } from '../../api';

/** What is wrong with a field, and what to do about it. */
export interface IFieldProblem {
  message: string;
  next: string | null;
}

/** Return a problem as fields show it. */
export function problemOf(error: FlotillaError): IFieldProblem {
  return { message: error.message.replace(/^what you asked for: /, ''), next: error.next };
}

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
  children: (control: IControlProps) => React.ReactNode;
}

/** A problem below the field that it is about. */
export function Problem(props: { id: string; problem: IFieldProblem }): JSX.Element {
  const { id, problem } = props;
  return (
    <p id={id} className="jp-Flotilla-problem">
      {problem.message}
      {problem.next && <span className="jp-Flotilla-next"> → {problem.next}</span>}
    </p>
  );
}

/** A control with its label, its description and what is wrong with it. */
export function Field(props: IFieldProps): JSX.Element {
  const { id, label, unit, help, isHelpShown, problem, children } = props;
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
      data-wide={Boolean(problem) || undefined}
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

/** Return a text that says where a default comes from. */
export function sourceText(source: string, trans: TranslationBundle): string {
  return trans.__('from %1', source);
}
