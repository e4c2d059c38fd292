import { memo } from 'react';
import type { Json } from '../../wire';
import { Code } from '../components/Code';
import { Rich } from '../components/Rich';
import { TextBlock } from '../components/TextBlock';
import { useHost } from '../host';
import { isRich, textOf } from '../logs/lines';
import type { IOutput } from './cells';
import { readCell } from './cells';

/** More outputs than this of one cell are counted, not drawn. */
const MOST_OUTPUTS = 200;

function Output(props: { output: IOutput }): JSX.Element | null {
  const { output } = props;
  switch (output.output_type) {
    case 'stream':
      return (
        <TextBlock
          text={textOf(output.text)}
          source={output.name === 'stderr' ? 'stderr' : 'stdout'}
        />
      );
    case 'error': {
      const traceback = Array.isArray(output.traceback) ? output.traceback.join('\n') : '';
      return (
        <TextBlock text={traceback || `${output.ename}: ${output.evalue}`} source="error" />
      );
    }
    case 'display_data':
    case 'execute_result':
    case 'update_display_data':
      return isRich(output.data) ? (
        <Rich data={output.data ?? {}} metadata={output.metadata} />
      ) : (
        <TextBlock text={textOf(output.data?.['text/plain'])} />
      );
    default:
      return null;
  }
}

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
          <Output key={at} output={output} />
        ))}
        {left > 0 && (
          <p className="jp-Flotilla-aside">{trans.__('… %1 more outputs', left)}</p>
        )}
      </div>
    </section>
  );
});
