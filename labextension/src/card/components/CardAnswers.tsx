import type { TranslationBundle } from '@jupyterlab/translation';
import { resourcesText } from '../../detail/words';
import { isOpen } from '../../query';
import type { IRun } from '../../wire';
import { cancelCommand, payerText } from '../words';

/** The four questions about what runs somewhere: where, whose, who pays, how it is stopped. */
export function CardAnswers(props: { run: IRun; trans: TranslationBundle }): JSX.Element {
  const { run, trans } = props;
  return (
    <dl className="jp-Flotilla-cardAnswers">
      <div>
        <dt>{trans.__('where')}</dt>
        <dd>
          {[run.engine, run.place, resourcesText(run.resources, trans)].filter(Boolean).join(' · ')}
        </dd>
      </div>
      <div>
        <dt>{trans.__('whose')}</dt>
        <dd>
          <bdi>{run.owner}</bdi>
        </dd>
      </div>
      <div>
        <dt>{trans.__('who pays')}</dt>
        <dd>{payerText(run, trans)}</dd>
      </div>
      {isOpen(run) && (
        <div>
          <dt>{trans.__('to stop it')}</dt>
          <dd>
            <code>{cancelCommand(run)}</code>
          </dd>
        </div>
      )}
    </dl>
  );
}
