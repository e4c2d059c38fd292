import { aRun, aRunningRun } from '../../__tests__/fakes';
import { readCard, readRunId, tellsEnd } from '../bundle';

describe('readCard', () => {
  it('takes the id and the text, and nothing else', () => {
    const bundle = { run_id: 'r000000000001', lines: ['one', 'two'], status: 'FAILED', cost: 1e9 };

    expect(readCard(bundle)).toEqual({ runId: 'r000000000001', lines: ['one', 'two'] });
  });

  it.each([
    null,
    undefined,
    'text',
    17,
    [],
    {},
    { run_id: 17, lines: 'text' },
    { run_id: '<script>', lines: null },
    { run_id: ['r000000000001'], lines: [null, 3, { a: 1 }, ['x']] }
  ])('takes nothing of %j', bundle => {
    expect(readCard(bundle)).toEqual({ runId: null, lines: [] });
  });

  it('takes no more text than can be shown', () => {
    const card = readCard({ lines: Array.from({ length: 9999 }, () => 'x'.repeat(9999)) });

    expect(card.lines).toHaveLength(50);
    expect(card.lines[49]).toHaveLength(2000);
  });
});

describe('readRunId', () => {
  it.each(['', 'r', 'r00000000000', 'r0000000000011', 'r00000000000u', 'R000000000001', '../../x'])(
    'takes %j for no run',
    id => expect(readRunId(id)).toBeNull()
  );
});

describe('tellsEnd', () => {
  it('holds where a card says what the store says, and that is the end', () => {
    expect(tellsEnd({ status: 'SUCCEEDED' }, aRun())).toBe(true);
  });

  it.each([
    [{ status: 'SUCCEEDED' }, aRun({ status: 'FAILED' })],
    [{ status: 'RUNNING' }, aRun()],
    [{ status: 'RUNNING' }, aRunningRun()],
    [null, aRun()]
  ])('does not hold of %j and a run that is otherwise', (bundle, run) => {
    expect(tellsEnd(bundle, run)).toBe(false);
  });
});
