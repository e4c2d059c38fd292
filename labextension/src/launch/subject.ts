import type { What } from '../wire';

/** What the form shows of the notebook that is open. */
export interface INotebookView {
  /** Relative to the server's root; empty: none is open. */
  path: string;
  /** It has changes that are not in its file yet. */
  isDirty: boolean;
  /** How many code cells are selected. */
  cells: number;
}

/** The ways to say what is launched; `given`: something else has opened the form for it. */
export type Choice = 'notebook' | 'cells' | 'file' | 'given';

/** Those that are kept over a reload. */
export const CHOICES: readonly Choice[] = ['notebook', 'cells', 'file'];

/** What the form was opened for: something to launch, or a schedule that is edited. */
export type Given = What | { kind: 'schedule'; id: string; name: string };

/** What can be chosen from. */
export interface ISubject {
  choice: Choice;
  notebook: INotebookView;
  /** Relative to the server's root; what `file` means. */
  file: string;
  /** What `given` means. */
  given: Given | null;
}

/** Return the source of cells as one text; cells that hold nothing are left out. */
export function joinedSource(sources: readonly string[]): string {
  return sources.filter(source => source.trim() !== '').join('\n\n');
}

/** Return the file that a form is about; null: there is none. */
export function pathOf(subject: ISubject): string | null {
  const { choice, notebook, file, given } = subject;
  switch (choice) {
    case 'notebook':
    case 'cells':
      return notebook.path || null;
    case 'file':
      return file.trim() || null;
    default:
      return given?.kind === 'file' ? given.path : null;
  }
}

/** Return the name under which wishes are kept: that of the file, or of what was given. */
export function keyOf(subject: ISubject): string {
  const { choice, given } = subject;
  return choice === 'given' && given ? JSON.stringify(given) : pathOf(subject) ?? '';
}

/**
 * Return what is launched; null: nothing was chosen yet, or what a schedule ran. `source` gives the
 * selected cells.
 */
export function whatOf(subject: ISubject, source: () => string): What | null {
  if (subject.choice === 'given') {
    return subject.given?.kind === 'schedule' ? null : subject.given;
  }
  const path = pathOf(subject);
  if (path === null) {
    return null;
  }
  if (subject.choice !== 'cells') {
    return { kind: 'file', path };
  }
  const text = source();
  return text === '' ? null : { kind: 'source', source: text, path };
}

/** Say whether the form is about a schedule that goes on running what it ran. */
export function isSaved({ choice, given }: ISubject): boolean {
  return choice === 'given' && given?.kind === 'schedule';
}

/** Return what can be scheduled where cells, or a run again, were chosen: they cannot. */
export function schedulable(subject: ISubject): ISubject {
  const { choice, given, notebook } = subject;
  const isFit = given === null || given.kind === 'file' || given.kind === 'command';
  if (choice !== 'cells' && (choice !== 'given' || isFit)) {
    return isFit ? subject : { ...subject, given: null };
  }
  return { ...subject, choice: notebook.path ? 'notebook' : 'file', given: null };
}

/** Return how the form is set up for what it was opened for. */
export function subjectFor(what: What, subject: ISubject): ISubject {
  if (what.kind !== 'file') {
    return { ...subject, choice: 'given', given: what };
  }
  if (what.path === subject.notebook.path) {
    return { ...subject, choice: 'notebook', given: null };
  }
  return { ...subject, choice: 'file', file: what.path, given: null };
}
