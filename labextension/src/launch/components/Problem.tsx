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
