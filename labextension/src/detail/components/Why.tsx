import type { TranslationBundle } from '@jupyterlab/translation';
import type { IRunDetail } from '../../wire';
import { stripAnsi } from '../logs/ansi';

/** Why a run did not succeed, with evidence and what to do; nothing where it did, or goes on. */
export function Why(props: { detail: IRunDetail; trans: TranslationBundle }): JSX.Element | null {
  const { detail, trans } = props;
  if (detail.status !== 'FAILED' && detail.status !== 'CANCELLED') {
    return null;
  }
  const title =
    detail.status === 'FAILED' ? trans.__('Why it failed and what to do') : trans.__('Why it ended');
  return (
    <section className="jp-Flotilla-why" data-status={detail.status} aria-label={title}>
      <h2>{title}</h2>
      <pre tabIndex={0}>{stripAnsi(detail.explanation)}</pre>
    </section>
  );
}
