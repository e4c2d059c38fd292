import type { TranslationBundle } from '@jupyterlab/translation';
import { HTMLSelect } from '@jupyterlab/ui-components';
import type { IOption } from '../../wire';
import { Field } from './Field';
import type { IFieldProblem } from './Problem';

/** What a schedule runs at a tick: a snapshot, the file as it is then, or what a repository has. */
export function SourceField(props: {
  id: string;
  option: IOption;
  /** `snapshot`, `file` or `REPO@REF`; empty: a snapshot. */
  text: string;
  problem: IFieldProblem | null;
  /** Nobody is there to read anything at a tick. */
  isSnapshotOnly?: boolean;
  onChange: (text: string) => void;
  trans: TranslationBundle;
}): JSX.Element {
  const { id, option, text, problem, isSnapshotOnly, onChange, trans } = props;
  const isOfGit = text.includes('@');
  return (
    <>
      <Field
        id={id}
        label={trans.__('Runs it')}
        help={
          isSnapshotOnly
            ? trans.__('As it is now: what is read later is read here, where all may be switched off then.')
            : option.help
        }
        problem={isOfGit ? null : problem}
      >
        {control => (
          <HTMLSelect
            {...control}
            value={isOfGit ? 'git' : text || 'snapshot'}
            onChange={({ target }) => onChange(target.value === 'git' ? '@main' : target.value)}
            options={[
              { value: 'snapshot', label: trans.__('as it is now') },
              { value: 'file', label: trans.__('as the file is then'), disabled: isSnapshotOnly },
              { value: 'git', label: trans.__('as git has it then'), disabled: isSnapshotOnly }
            ]}
          />
        )}
      </Field>
      {isOfGit && (
        <Field
          id={`${id}-repository`}
          label={trans.__('Repository@branch')}
          help={trans.__('The file above is its path below the top of the repository.')}
          isHelpShown
          problem={problem}
        >
          {control => (
            <input
              {...control}
              type="text"
              className="jp-mod-styled"
              spellCheck={false}
              autoComplete="off"
              maxLength={4096}
              value={text}
              onChange={event => onChange(event.target.value || '@')}
            />
          )}
        </Field>
      )}
    </>
  );
}
