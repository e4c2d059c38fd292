import { useMemo, useState } from 'react';
import { formatCount } from '../../format';
import { useHost } from '../host';
import type { ITextLine } from '../logs/lines';
import { LineBuilder } from '../logs/lines';
import { AnsiText } from './AnsiText';

/** Lines that are drawn at once, from the beginning and from the end. */
const HEAD = 200;
const TAIL = 100;
/** More than this is for the log, which draws only what is in sight. */
const MOST = 5000;

/** Text of any length as a terminal shows it; of a long one, beginning and end. */
export function TextBlock(props: {
  text: string;
  source?: 'stdout' | 'stderr' | 'error';
}): JSX.Element | null {
  const { text, source = 'stdout' } = props;
  const { trans } = useHost();
  const [isWhole, setWhole] = useState(false);
  const lines = useMemo(() => linesOf(text), [text]);
  if (!text) {
    return null;
  }
  const left = isWhole ? 0 : lines.length - HEAD - TAIL;
  const drawn = (some: ITextLine[]) =>
    some.map(line => (
      <div className="jp-Flotilla-line" key={line.key}>
        <AnsiText text={line.text} style={line.style} />
        {line.rest > 0 && (
          <span className="jp-Flotilla-aside">
            {trans.__('… %1 more characters', formatCount(line.rest))}
          </span>
        )}
      </div>
    ));
  return (
    <pre className="jp-Flotilla-text" data-source={source}>
      {left > 0 ? (
        <>
          {drawn(lines.slice(0, HEAD))}
          <button type="button" className="jp-Flotilla-link" onClick={() => setWhole(true)}>
            {trans.__('… %1 more lines', formatCount(left))}
          </button>
          {drawn(lines.slice(-TAIL))}
        </>
      ) : (
        <>
          {drawn(lines.slice(0, MOST))}
          {lines.length > MOST && (
            <span className="jp-Flotilla-aside">
              {trans.__('… %1 more lines, which the logs have', formatCount(lines.length - MOST))}
            </span>
          )}
        </>
      )}
    </pre>
  );
}

function linesOf(text: string): ITextLine[] {
  const builder = new LineBuilder();
  builder.feed([{ seq: 0, at: 0, cell: null, kind: 'stdout', text }]);
  return builder.lines as ITextLine[];
}
