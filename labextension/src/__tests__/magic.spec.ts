import { withMagic } from '../magic';

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
