import { switched } from '../grid_switch';
import { gridSize, readAxis, readParameters, readValue, ValueProblem } from '../parameters';
import { aParameter, trans } from './samples';

const value = (type: string | null, text: string) => readValue(aParameter('p', type), text, trans);
const axis = (type: string | null, text: string) => readAxis(aParameter('p', type), text, trans);

describe('a value', () => {
  it.each([
    ['int', '300', 300],
    ['int', '-7', -7],
    ['float', '1e-3', 0.001],
    ['float', ' .5 ', 0.5],
    ['str', '300', '300'],
    ['str', '  as typed ', '  as typed '],
    ['str', '""', ''],
    ['bool', 'True', true],
    ['bool', 'false', false],
    ['list', '[1, "two"]', [1, 'two']],
    ['Tuple', '[]', []],
    ['dict', '{"a": null}', { a: null }],
    [null, '3', 3],
    [null, 'adam', 'adam'],
    ['Path', 'data/x', 'data/x']
  ])('of type %s is read from %j', (type, text, expected) => {
    expect(value(type, text)).toEqual(expected);
  });

  it.each([
    ['int', '1.5', 'whole number'],
    ['int', 'many', 'whole number'],
    ['int', '12345678901234567890', 'too large'],
    ['float', 'inf', 'not a number'],
    ['float', '1e999', 'too large'],
    ['bool', '1', 'neither true nor false'],
    ['list', '{}', 'JSON list'],
    ['list', '(1, 2)', 'JSON list'],
    ['dict', '[1]', 'JSON object'],
    ['dict', "{'a': 1}", 'JSON object']
  ])('of type %s is not made of %j', (type, text, problem) => {
    expect(() => value(type, text)).toThrow(ValueProblem);
    expect(() => value(type, text)).toThrow(problem);
  });
});

describe('several values', () => {
  it.each([
    ['int', '1, 2,3', [1, 2, 3]],
    ['int', '3:9:2', [3, 5, 7, 9]],
    ['int', '3:-1:-2', [3, 1, -1]],
    ['float', '0.1:0.5:0.1', [0.1, 0.2, 0.3, 0.4, 0.5]],
    ['float', '1e-3:3e-3:1e-3', [0.001, 0.002, 0.003]],
    ['str', 'adam, "a,b", 3', ['adam', 'a,b', '3']],
    ['str', '"say ""hi""", x', ['say "hi"', 'x']],
    ['str', '1:2:3', ['1:2:3']],
    ['bool', 'true, false', [true, false]],
    [null, '1, two, null', [1, 'two', null]],
    ['list', '[[1, 2], []]', [[1, 2], []]],
    ['int', '[4, 5]', [4, 5]]
  ])('of type %s are read from %j', (type, text, expected) => {
    expect(axis(type, text)).toEqual(expected);
  });

  it.each([
    ['int', '', 'empty'],
    ['int', '1,,2', 'empty'],
    ['int', '1, x', 'whole number'],
    ['int', '1:5:0', 'never comes'],
    ['int', '1:5:-1', 'never comes'],
    ['float', '0:1:1e-9', 'more than'],
    ['list', '1, 2', 'JSON list of values']
  ])('of type %s are not made of %j', (type, text, problem) => {
    expect(() => axis(type, text)).toThrow(problem);
  });

  it('are all with all in a grid', () => {
    expect(gridSize({ lr: [0.1, 0.01], depth: [3, 5, 7] })).toBe(6);
    expect(gridSize({})).toBe(1);
  });
});

describe('what is sent of parameters', () => {
  const parameters = [aParameter('alpha', 'int', 1), aParameter('rate', 'float', 0.1)];

  it('is only what was changed', () => {
    const read = readParameters(parameters, { alpha: { text: '3', isGrid: false } }, trans);

    expect(read).toEqual({ params: { alpha: 3 }, grid: {}, problems: {} });
  });

  it('leaves out parameters that the notebook no longer has, whatever they are called', () => {
    const wishes = {
      gone: { text: '3', isGrid: false },
      __proto__: { text: '3', isGrid: false }
    };

    expect(readParameters(parameters, wishes, trans).params).toEqual({});
  });

  it('has a grid beside single values, and says what is wrong by name', () => {
    const wishes = {
      alpha: { text: 'x', isGrid: false },
      rate: { text: '0.1, 0.2', isGrid: true }
    };

    const read = readParameters(parameters, wishes, trans);

    expect(read.grid).toEqual({ rate: [0.1, 0.2] });
    expect(read.problems.alpha).toContain('"x" is not a whole number');
  });
});

describe('the switch to a grid', () => {
  it('begins with the default, and with both values of a flag', () => {
    const off = { text: '', isGrid: false };
    expect(switched(aParameter('a', 'int', 7), off)).toEqual({ text: '7', isGrid: true });
    expect(switched(aParameter('a', 'bool', true), off).text).toBe('true, false');
    expect(switched(aParameter('a', 'list', [1]), off).text).toBe('[[1]]');
  });

  it('keeps the first value when it is switched off, and nothing where that is the default', () => {
    const on = { text: '9, 8', isGrid: true };
    expect(switched(aParameter('a', 'int', 7), on)).toEqual({ text: '9', isGrid: false });
    expect(switched(aParameter('a', 'int', 9), on)).toEqual({ text: '', isGrid: false });
  });
});
