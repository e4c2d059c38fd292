import { isMagicLoaded, withMagic } from '../magic';

describe('withMagic', () => {
  it('puts the magic on top', () => {
    expect(withMagic('x = 1\n')).toBe('%%flotilla_run\nx = 1\n');
  });

  it.each(['%%flotilla_run', '%%flotilla_run --memory 8G\nx = 1', '\n  %%flotilla_run\nx'])(
    'leaves %j as it is',
    source => {
      expect(withMagic(source)).toBe(source);
    }
  );
});

describe('isMagicLoaded', () => {
  it.each([
    [['x = 1', '%load_ext jupyter_flotilla'], true],
    [['import os\n  %reload_ext jupyter_flotilla'], true],
    [['# %load_ext jupyter_flotilla', '%load_ext jupyter_flotilla_other'], false],
    [[], false]
  ])('of %j is %s', (sources, isLoaded) => {
    expect(isMagicLoaded(sources)).toBe(isLoaded);
  });
});
