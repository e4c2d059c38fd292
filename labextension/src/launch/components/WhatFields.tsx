import type { TranslationBundle } from '@jupyterlab/translation';
import type { Choice, Given, ISubject } from '../subject';
import type { IFieldProblem } from './Problem';
import { Problem } from './Problem';

export interface IWhatFieldsProps {
  idPrefix: string;
  subject: ISubject;
  /** Name of the run that is launched again, where it is known. */
  givenName: string | null;
  problem: IFieldProblem | null;
  onChoose: (choice: Choice) => void;
  onFile: (path: string) => void;
  /** Let the user choose a file; null: the application has nothing to choose with. */
  onBrowse: (() => void) | null;
  /** Cells cannot be scheduled. */
  isScheduled: boolean;
  trans: TranslationBundle;
}

function nameOf(path: string): string {
  return path.split('/').pop() ?? path;
}

function givenText(given: Given, name: string | null, trans: TranslationBundle): string {
  switch (given.kind) {
    case 'retry': {
      const id = given.run.slice(0, 7);
      return name ? trans.__('%1 again, run %2', name, id) : trans.__('Run %1 again', id);
    }
    case 'schedule':
      return trans.__('%1 as it was saved', given.name);
    case 'command':
      return given.argv.join(' ');
    case 'source':
      return trans.__('a piece of source');
    default:
      return given.path;
  }
}

/** What is launched: the notebook that is open, cells of it, a file, or what the form is for. */
export function WhatFields(props: IWhatFieldsProps): JSX.Element {
  const { idPrefix, subject, givenName, problem, onChoose, onFile, onBrowse } = props;
  const { isScheduled, trans } = props;
  const { choice, notebook, file, given } = subject;
  const id = (name: string) => `${idPrefix}what-${name}`;
  const described = problem ? id('problem') : undefined;
  const radio = (value: Choice, label: React.ReactNode, isDisabled = false) => (
    <label className="jp-Flotilla-choice" data-disabled={isDisabled || undefined}>
      <input
        type="radio"
        name={id('choice')}
        value={value}
        checked={choice === value}
        disabled={isDisabled}
        aria-describedby={choice === value ? described : undefined}
        onChange={() => onChoose(value)}
      />
      <span>{label}</span>
    </label>
  );
  const hasNotebook = notebook.path !== '';
  const notebookLabel = (
    <>
      {trans.__('This notebook')}{' '}
      <bdi className="jp-Flotilla-path" title={notebook.path}>
        {hasNotebook ? nameOf(notebook.path) : trans.__('(none is open)')}
      </bdi>
      {notebook.isDirty && choice === 'notebook' && (
        <span className="jp-Flotilla-unit">
          {' '}
          {isScheduled
            ? trans.__('unsaved: it is saved first')
            : trans.__('unsaved: it is saved at the launch')}
        </span>
      )}
    </>
  );
  const cellsLabel = (
    <>
      {trans.__('Selected cells')}{' '}
      {hasNotebook && (
        <span className="jp-Flotilla-unit">
          {trans._n('%1 code cell', '%1 code cells', notebook.cells)}
        </span>
      )}
    </>
  );
  return (
    <fieldset className="jp-Flotilla-fields">
      <legend>{trans.__('What')}</legend>
      {given && radio('given', <bdi>{givenText(given, givenName, trans)}</bdi>)}
      {radio('notebook', notebookLabel, !hasNotebook)}
      {!isScheduled && radio('cells', cellsLabel, !hasNotebook)}
      {choice === 'cells' && (
        <p className="jp-Flotilla-help">
          {trans.__('They run in a fresh kernel, without what other cells have defined.')}
        </p>
      )}
      {radio('file', trans.__('File'))}
      {choice === 'file' && (
        <div className="jp-Flotilla-fileRow">
          <input
            id={id('file')}
            type="text"
            className="jp-mod-styled"
            aria-label={trans.__('Notebook or Python file, as the file browser shows it')}
            aria-describedby={described}
            aria-invalid={problem ? true : undefined}
            placeholder={trans.__('folder/notebook.ipynb')}
            spellCheck={false}
            autoComplete="off"
            maxLength={4096}
            value={file}
            onChange={event => onFile(event.target.value)}
          />
          {onBrowse && (
            <button type="button" className="jp-Flotilla-button" onClick={onBrowse}>
              {trans.__('Browse…')}
            </button>
          )}
        </div>
      )}
      {problem && <Problem id={id('problem')} problem={problem} />}
    </fieldset>
  );
}
