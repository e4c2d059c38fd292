import type { IOutput } from '@jupyterlab/nbformat';
import type { ICodeCellModel } from '@jupyterlab/cells';
import { merged, setOutputs, shownCard } from '../outputs';
import { aCard as card, aNotebook, aPicture as picture, aStream as stream, codeCell, RUN } from './notebooks';

function aCell(outputs: IOutput[]): ICodeCellModel {
  return codeCell(aNotebook([{ id: 'a', outputs }]));
}

describe('setOutputs', () => {
  it('touches those alone that are others', () => {
    const cell = aCell([card(RUN), picture('a'), stream('one\n')]);
    const before = [0, 1, 2].map(at => cell.outputs.get(at));

    const wanted = [card(RUN), picture('b'), stream('one\n'), stream('oh', 'stderr')];
    expect(setOutputs(cell.outputs, wanted)).toBe(true);

    expect(cell.outputs.toJSON()).toEqual(wanted);
    expect(cell.outputs.get(0)).toBe(before[0]);
    expect(cell.outputs.get(1)).not.toBe(before[1]);
    expect(cell.outputs.get(2)).toBe(before[2]);
    expect(cell.sharedModel.getOutputs()).toEqual(wanted);
  });

  it('changes nothing where all is as it should be', () => {
    const cell = aCell([card(RUN), stream('one\ntwo\n')]);
    const changed = jest.fn();
    cell.outputs.changed.connect(changed);

    expect(setOutputs(cell.outputs, [card(RUN), stream('one\ntwo\n')])).toBe(false);
    expect(changed).not.toHaveBeenCalled();
  });

  it.each([
    ['fewer', [card(RUN)]],
    ['others', [card(RUN), stream('an error', 'stderr'), picture('x')]],
    ['none', []],
    ['the same stream once more', [card(RUN), picture('x'), stream('again\n')]]
  ])('makes them %s', (_, wanted) => {
    const cell = aCell([card(RUN), stream('one\n'), picture('a'), stream('two\n')]);

    setOutputs(cell.outputs, wanted);

    expect(cell.outputs.toJSON()).toEqual(wanted);
    expect(cell.sharedModel.getOutputs()).toEqual(wanted);
  });

  it('has neighbours of one stream in one', () => {
    const cell = aCell([]);

    setOutputs(cell.outputs, [stream('one\n'), stream('two\n'), stream('oh', 'stderr')]);
    setOutputs(cell.outputs, [stream('one\n'), stream('2\n'), stream('oh', 'stderr')]);

    expect(cell.outputs.toJSON()).toEqual([stream('one\n2\n'), stream('oh', 'stderr')]);
  });

  it('raises no trust', () => {
    const cell = aCell([card(RUN)]);
    cell.trusted = false;

    setOutputs(cell.outputs, [card(RUN), picture('a')]);

    expect(cell.outputs.get(1).trusted).toBe(false);
  });

  it('leaves the history of edits alone', () => {
    const notebook = aNotebook([{ id: 'a', outputs: [card(RUN)] }]);

    setOutputs(codeCell(notebook).outputs, [card(RUN, 'SUCCEEDED'), stream('one\n')]);

    expect(notebook.sharedModel.canUndo()).toBe(false);
  });
});

describe('merged', () => {
  it('joins texts whichever way they are written', () => {
    const lines = { ...stream(''), text: ['a\n', 'b\n'] };

    expect(merged([lines, stream('c')])).toEqual([stream('a\nb\nc')]);
  });
});

describe('shownCard', () => {
  it('finds the card, wherever it is', () => {
    const cell = aCell([stream('note\n'), card(RUN)]);

    expect(shownCard(cell.outputs)).toMatchObject({ runId: RUN, bundle: { status: 'RUNNING' } });
  });

  it.each([[[]], [[stream('x')]], [[picture('x')]], [[card('<script>')]]])(
    'finds none in %j',
    outputs => {
      expect(shownCard(aCell(outputs).outputs)).toBeNull();
    }
  );
});
