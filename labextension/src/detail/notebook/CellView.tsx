import { memo } from 'react';
import type { Json } from '../../wire';
import { Code } from '../components/Code';
import { Rich } from '../components/Rich';
import { useHost } from '../host';
import { CellOutput } from './CellOutput';
import { readCell } from './cells';

/** More outputs than this of one cell are counted, not drawn. */
const MOST_OUTPUTS = 200;

/** One cell of the executed notebook, read-only. */
export const CellView = memo(function CellView(props: {
  raw: Json;
  number: number;
  language: string;
  isFailed: boolean;
}): JSX.Element {
  const { trans } = useHost();
  const { raw, number, language, isFailed } = props;
  const cell = readCell(raw);
  const left = cell.outputs.length - MOST_OUTPUTS;
  const label = isFailed ? trans.__('Cell %1, which failed', number) : trans.__('Cell %1', number);
  return (
    <section
      className="jp-Flotilla-cell"
      data-cell={number}
      data-type={cell.type}
      data-failed={isFailed || undefined}
      aria-label={label}
    >
      <div className="jp-Flotilla-prompt" aria-hidden="true">
        {cell.type === 'code' && `[${cell.count ?? ' '}]:`}
      </div>
      <div className="jp-Flotilla-cellBody">
        {cell.type === 'markdown' ? (
          <Rich data={{ 'text/markdown': cell.source }} metadata={{}} />
        ) : (
          <Code code={cell.source} language={cell.type === 'code' ? language : ''} />
        )}
        {cell.outputs.slice(0, MOST_OUTPUTS).map((output, at) => (
          <CellOutput key={at} output={output} />
        ))}
        {left > 0 && (
          <p className="jp-Flotilla-aside">{trans.__('… %1 more outputs', left)}</p>
        )}
      </div>
    </section>
  );
});
