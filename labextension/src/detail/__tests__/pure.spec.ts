import { trans } from '../../__tests__/fakes';
import type { IAttempt, IExecutedNotebook, Json } from '../../wire';
import { detailText } from '../EventsRoom';
import { cellsOf, failedCellOf, keepCells, languageOf, readCell } from '../notebook/cells';
import { phasesOf, shares } from '../phases';
import { fieldsOf, fieldText } from '../SpecRoom';
import { areaPath, linePath, sizeTicks, ticks, timeTicks } from '../usage/chart';
import { thinned } from '../usage/UsageRoom';

const T0 = '2026-11-26T10:00:00.000Z';
const after = (seconds: number) => new Date(Date.parse(T0) + seconds * 1000).toISOString();

const attempt = (fields: Partial<IAttempt>) =>
  ({ phases: {}, claimed_at: T0, ended_at: null, ...fields }) as IAttempt;

describe('phasesOf', () => {
  it('tells how long each was, in order of time', () => {
    const phases = phasesOf(
      attempt({ phases: { running: after(5), pulling: after(1) }, ended_at: after(65) }),
      0
    );

    expect(phases.map(({ name, durationS, isOpen }) => [name, durationS, isOpen])).toEqual([
      ['launching', 1, false],
      ['pulling', 4, false],
      ['running', 60, false]
    ]);
  });

  it('lets the last one grow until now', () => {
    const [, running] = phasesOf(attempt({ phases: { running: after(2) } }), Date.parse(after(12)));
    expect([running.durationS, running.isOpen]).toEqual([10, true]);
  });

  it('has none that is shorter than nothing, whatever clocks say', () => {
    const phases = phasesOf(attempt({ phases: { running: after(2) } }), Date.parse(T0) - 5000);
    expect(Math.min(...phases.map(phase => phase.durationS))).toBe(0);
    expect(phasesOf(attempt({ claimed_at: '', phases: { running: 'never' } }), 0)).toEqual([]);
  });
});

describe('shares', () => {
  it('gives each a width that can be seen, all together 1', () => {
    const found = shares([0, 0.001, 1000]);
    expect(Math.min(...found)).toBeGreaterThan(0.02);
    expect(found.reduce((sum, one) => sum + one)).toBeCloseTo(1);
    expect(shares([0, 0])).toEqual([0.5, 0.5]);
  });
});

describe('charts', () => {
  const frame = { width: 100, height: 50, xMost: 10, yMost: 5 };

  it('draws a line, with gaps where nothing was measured', () => {
    const points = [
      { x: 0, y: 0 },
      { x: 5, y: 5 },
      { x: 6, y: null },
      { x: 10, y: 2.5 }
    ];
    expect(linePath(points, frame)).toBe('M0 50L50 0M100 25');
    expect(areaPath(points, frame)).toBe('M0 50L50 0L100 25L100 50L0 50Z');
    expect(areaPath(points.slice(0, 1), frame)).toBe('');
  });

  it('draws nothing beyond its top', () => {
    expect(linePath([{ x: 0, y: 50 }], frame)).toBe('M0 0');
    expect(linePath([{ x: NaN, y: 1 }], frame)).toBe('');
  });

  it.each([
    [100, [0, 50, 100]],
    [130, [0, 50, 100, 150]],
    [0.3, [0, 0.1, 0.2, 0.3]],
    [0, [0, 1]],
    [NaN, [0, 1]]
  ])('has round values up to %p', (most, expected) => {
    expect(ticks(most, 3)).toEqual(expected);
  });

  it('has values of sizes and of clocks', () => {
    expect(sizeTicks(300, 4)).toEqual([0, 128, 256, 384]);
    expect(timeTicks(95, 6)).toEqual([0, 30, 60, 90]);
    expect(timeTicks(400_000, 5)).toEqual([0, 86_400, 172_800, 259_200, 345_600]);
    expect(timeTicks(0, 5)).toEqual([0]);
  });

  it('keeps first and last of many points', () => {
    const found = thinned([...Array(1000).keys()], 12);
    expect([found.length, found[0], found[11]]).toEqual([12, 0, 999]);
    expect(thinned([1, 2], 12)).toEqual([1, 2]);
  });
});

describe('notebooks', () => {
  const notebook = (...cells: Json[]): IExecutedNotebook => ({
    notebook: { cells, metadata: { kernelspec: { language: 'julia' } } },
    path: null,
    is_final: false
  });

  it.each([null, 5, 'x', [], {}, { source: 5, outputs: 'x', cell_type: 'nonsense' }])(
    'reads %j as a cell with nothing in it',
    raw => {
      expect(readCell(raw as Json)).toEqual({ type: 'code', source: '', count: null, outputs: [] });
    }
  );

  it('reads sources in lines, and whatever outputs are', () => {
    const cell = readCell({ cell_type: 'code', source: ['a\n', 'b'], outputs: [null, { x: 1 }] });
    expect(cell.source).toBe('a\nb');
    expect(cell.outputs).toHaveLength(2);
  });

  it('keeps cells that are as before, so that they are not drawn anew', () => {
    const before = notebook({ source: 'a' }, { source: 'b' });
    const now = keepCells(before, notebook({ source: 'a' }, { source: 'c' }, { source: 'd' }));

    expect(cellsOf(now)[0]).toBe(cellsOf(before)[0]);
    expect(cellsOf(now).slice(1)).toEqual([{ source: 'c' }, { source: 'd' }]);
  });

  it('knows its language, and the cell that failed', () => {
    expect(languageOf(notebook())).toBe('julia');
    expect(languageOf(null)).toBe('python');
    expect(failedCellOf([{}, { outputs: [{ output_type: 'error' }] }])).toBe(1);
    expect(failedCellOf([{}, null])).toBeNull();
    expect(cellsOf({ ...notebook(), notebook: { cells: 'none' } })).toEqual([]);
  });
});

describe('words', () => {
  it('tells what is in a job, and leaves out what says nothing', () => {
    const spec = { env: {}, timeout_s: 90, name: 'x', image: null, command: ['a', 'b c'], x: true };
    expect(fieldsOf(spec).map(([name, value]) => [name, fieldText(name, value, trans)])).toEqual([
      ['name', 'x'],
      ['command', 'a b c'],
      ['timeout_s', '1m30s'],
      ['x', 'yes']
    ]);
    expect(fieldText('kernel', { name: 'python3', env: {}, more: { a: 1 } }, trans)).toBe(
      'name: python3\nmore: a: 1'
    );
  });

  it('tells what an event says', () => {
    expect(detailText({ failure_kind: 'lost', attempt: 2, none: null, more: [1] })).toBe(
      'failure kind: lost · attempt: 2 · more: [1]'
    );
    expect(detailText(null)).toBe('');
  });
});
