import { Rich } from '../components/Rich';
import { TextBlock } from '../components/TextBlock';
import { isRich, textOf } from '../logs/lines';
import type { IOutput } from './cells';

/** One output of a cell; nothing of a kind that nobody knows. */
export function CellOutput(props: { output: IOutput }): JSX.Element | null {
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
