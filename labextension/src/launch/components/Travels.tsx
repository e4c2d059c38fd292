import type { TranslationBundle } from '@jupyterlab/translation';
import { formatBytes } from '../../format';
import type { IEngine, IPlan } from '../../wire';
import { Part } from './Part';

export interface ITravelsProps {
  plan: IPlan;
  engine: IEngine | null;
  isOpen: boolean;
  onOpen: (isOpen: boolean) => void;
  trans: TranslationBundle;
}

/** The packages and files that would travel with the job. */
export function Travels(props: ITravelsProps): JSX.Element {
  const { plan, engine, isOpen, onOpen, trans } = props;
  const { packages, files } = plan;
  const bytes = files.reduce((sum, file) => sum + file.size_bytes, 0);
  const counts = [
    trans._n('%1 package', '%1 packages', packages.length),
    trans._n('%1 file', '%1 files', files.length) +
      (files.length ? ` (${formatBytes(bytes)})` : '')
  ].join(' · ');
  return (
    <Part title={trans.__('What travels')} note={counts} isOpen={isOpen} onOpen={onOpen}>
      {engine?.is_here && !packages.length && (
        <p className="jp-Flotilla-help">
          {trans.__('It runs with the packages and files of this machine.')}
        </p>
      )}
      {packages.length > 0 && (
        <ul className="jp-Flotilla-list" aria-label={trans.__('Packages')}>
          {packages.map(name => (
            <li key={name}>{name}</li>
          ))}
        </ul>
      )}
      {files.length > 0 && (
        <ul className="jp-Flotilla-list" aria-label={trans.__('Files')}>
          {files.map(file => (
            <li key={file.path}>
              <bdi>{file.path}</bdi>{' '}
              <span className="jp-Flotilla-unit">{formatBytes(file.size_bytes)}</span>
            </li>
          ))}
        </ul>
      )}
    </Part>
  );
}
