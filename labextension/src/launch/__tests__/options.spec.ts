import { engineOf, hasLegalSizes, optionsOf, readOptions, readPart, usualText } from '../options';
import type { IWishes } from '../wishes';
import { NO_WISHES } from '../wishes';
import { aForm, anEcs, anEngine, anOption, OPTIONS } from './samples';

const wish = (options: IWishes['options'], engine: string | null = null): IWishes => ({
  ...NO_WISHES,
  engine,
  options
});
const keywords = (options: { keyword: string }[]) => options.map(option => option.keyword);

describe('fields', () => {
  it('are those of options that the engine honours', () => {
    expect(keywords(optionsOf(aForm(), anEngine(), 'resources'))).toEqual([]);
    expect(keywords(optionsOf(aForm(), anEcs(), 'resources'))).toEqual(['gpu', 'spot']);
    expect(keywords(optionsOf(aForm(), anEngine(), 'more'))).toEqual(['name', 'env']);
    expect(keywords(optionsOf(aForm(), anEcs(), 'more'))).toEqual([
      'name',
      'image',
      'with_',
      'env'
    ]);
  });

  it('appear by themselves for an option that is new', () => {
    const options = [...OPTIONS, anOption('priority'), anOption('cores', { group: 'resources' })];

    expect(keywords(optionsOf(aForm({ options }), anEngine(), 'more'))).toContain('priority');
    expect(keywords(optionsOf(aForm({ options }), anEngine(), 'resources'))).toEqual(['cores']);
  });

  it('of a grid are apart', () => {
    expect(keywords(optionsOf(aForm(), anEngine(), 'grid'))).toEqual(['max_parallel']);
  });

  it('show the default that the help names', () => {
    expect(usualText(anOption('x', { help: 'Stop it. [default: 1h on ecs, else never]' }))).toBe(
      '1h on ecs, else never'
    );
    expect(usualText(anOption('x'))).toBe('');
  });
});

describe('the engine', () => {
  it('is the wished one, else the configured, else the default', () => {
    expect(engineOf(aForm(), wish({}, 'ecs'))?.name).toBe('ecs');
    expect(engineOf(aForm(), wish({}, 'gone'))?.name).toBe('process');
    const defaults = { engine: { value: 'ecs', source: 'flotilla.toml' } };
    expect(engineOf(aForm({ defaults }), wish({}))?.name).toBe('ecs');
    expect(engineOf(aForm({ engines: [] }), wish({}))).toBeNull();
  });
});

describe('what is sent of options', () => {
  it('is nothing where nothing was changed', () => {
    expect(readOptions(aForm(), anEcs(), NO_WISHES)).toEqual({});
  });

  it('has numbers as numbers, lines as lists and flags as flags', () => {
    const wishes = wish(
      { retries: ' 2 ', max_cost: '2.50', timeout: '2h', env: 'A=1\n\n B \n', spot: true, name: ' ' },
      'ecs'
    );

    expect(readOptions(aForm(), anEcs(), wishes)).toEqual({
      engine: 'ecs',
      retries: 2,
      max_cost: 2.5,
      timeout: '2h',
      env: ['A=1', 'B'],
      spot: true
    });
  });

  it('leaves what is no number to the server to refuse', () => {
    expect(readOptions(aForm(), anEngine(), wish({ retries: 'two', memory: '16' }))).toEqual({
      retries: 'two',
      memory: '16'
    });
  });

  it('has nothing that the engine does not honour', () => {
    expect(readOptions(aForm(), anEngine(), wish({ spot: true, image: 'x', with_: 'y' }))).toEqual({});
  });

  it('has both parts of a legal size where one was changed', () => {
    expect(readOptions(aForm(), anEcs(), wish({ cpu: '2' }))).toEqual({ cpu: 2, memory: '4G' });
    expect(readOptions(aForm(), anEcs(), wish({ memory: '7G' }))).toEqual({ cpu: 1, memory: '8G' });
  });

  it('has any size on a machine with GPUs', () => {
    const wishes = wish({ gpu: '1', memory: '7G' });

    expect(hasLegalSizes(anEcs(), wishes)).toBe(false);
    expect(readOptions(aForm(), anEcs(), wishes)).toEqual({ gpu: 1, memory: '7G' });
  });

  it('has a profile only where there is such a one', () => {
    expect(readOptions(aForm(), anEngine(), wish({ profile: 'big' }))).toEqual({ profile: 'big' });
    expect(readOptions(aForm(), anEngine(), wish({ profile: 'gone' }))).toEqual({});
  });

  it('has the options of grids only with a grid', () => {
    const wishes = wish({ max_parallel: '3' });

    expect(readOptions(aForm(), anEngine(), wishes)).toEqual({});
    expect(readPart(aForm(), anEngine(), wishes, 'grid')).toEqual({ max_parallel: 3 });
  });
});
