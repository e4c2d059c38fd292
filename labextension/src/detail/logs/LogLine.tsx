import { memo } from 'react';
import { formatCount } from '../../format';
import { AnsiText } from '../components/AnsiText';
import { Rich } from '../components/Rich';
import { useHost } from '../host';
import type { ITextLine, Line } from './lines';

/** One line of a log, or one thing that was displayed. */
export const LogLine = memo(function LogLine(props: {
  line: Line;
  search: string;
  isCurrent: boolean;
  onDownload: (line: ITextLine) => void;
}): JSX.Element {
  const { line, search, isCurrent, onDownload } = props;
  const { trans } = useHost();
  if (line.type === 'rich') {
    return (
      <div className="jp-Flotilla-display" data-current={isCurrent || undefined}>
        <Rich data={line.record.data ?? {}} metadata={line.record.metadata} />
      </div>
    );
  }
  return (
    <div className="jp-Flotilla-line" data-source={line.source} data-current={isCurrent || undefined}>
      {line.source === 'cell' ? (
        <span className="jp-Flotilla-cellMark">{trans.__('cell %1', line.text)}</span>
      ) : (
        <AnsiText text={line.text} style={line.style} search={search} />
      )}
      {line.rest > 0 && (
        <>
          <span className="jp-Flotilla-aside">
            {' '}
            {trans.__('… %1 more characters', formatCount(line.rest))}{' '}
          </span>
          <button type="button" className="jp-Flotilla-link" onClick={() => onDownload(line)}>
            {trans.__('download the line')}
          </button>
        </>
      )}
    </div>
  );
});
