import { NOTHING_KEPT, readKept, withWishes } from '../memory';
import type { ISubject } from '../subject';
import { joinedSource, keyOf, subjectFor, whatOf } from '../subject';
import { NO_WISHES, readWishes, withOption, withParameter } from '../wishes';

const subject: ISubject = {
  choice: 'notebook',
  notebook: { path: 'deep/a.ipynb', isDirty: false, cells: 2 },
  file: ' b.py ',
  given: null
};
const none = { path: '', isDirty: false, cells: 0 };

describe('what is launched', () => {
  it('is the notebook, its selected cells or a file', () => {
    expect(whatOf(subject, () => '')).toEqual({ kind: 'file', path: 'deep/a.ipynb' });
    expect(whatOf({ ...subject, choice: 'file' }, () => '')).toEqual({ kind: 'file', path: 'b.py' });
    expect(whatOf({ ...subject, choice: 'cells' }, () => '1 + 1')).toEqual({
      kind: 'source',
      source: '1 + 1',
      path: 'deep/a.ipynb'
    });
  });

  it('is nothing where there is none', () => {
    expect(whatOf({ ...subject, choice: 'cells' }, () => '')).toBeNull();
    expect(whatOf({ ...subject, notebook: none }, () => '')).toBeNull();
    expect(whatOf({ ...subject, choice: 'file', file: '  ' }, () => '')).toBeNull();
  });

  it('of several cells is their source with blank lines between', () => {
    expect(joinedSource(['a = 1', ' \n', 'b = 2'])).toBe('a = 1\n\nb = 2');
  });

  it('follows what the form was opened for', () => {
    expect(subjectFor({ kind: 'file', path: 'deep/a.ipynb' }, subject).choice).toBe('notebook');
    expect(subjectFor({ kind: 'file', path: 'c.py' }, subject)).toMatchObject({
      choice: 'file',
      file: 'c.py'
    });
    const retried = subjectFor({ kind: 'retry', run: 'r1' }, subject);
    expect(whatOf(retried, () => '')).toEqual({ kind: 'retry', run: 'r1' });
    expect(keyOf(retried)).not.toBe(keyOf(subject));
  });
});

describe('wishes', () => {
  it('come back from what was kept, without what is none', () => {
    const wishes = withParameter(withOption(NO_WISHES, 'memory', '2G'), 'alpha', {
      text: '3',
      isGrid: true
    });

    expect(readWishes(JSON.parse(JSON.stringify(wishes)))).toEqual(wishes);
    for (const garbage of [null, 3, [], { options: { a: 1 }, parameters: { b: 'x' }, engine: 4 }]) {
      expect(readWishes(garbage)).toEqual(NO_WISHES);
    }
  });

  it('forget what is emptied', () => {
    expect(withOption(withOption(NO_WISHES, 'memory', '2G'), 'memory', '')).toEqual(NO_WISHES);
    expect(withParameter(NO_WISHES, 'a', { text: '', isGrid: false })).toEqual(NO_WISHES);
    expect(withOption(NO_WISHES, 'spot', false).options).toEqual({ spot: false });
  });

  it('are kept for the fifty files that were used last', () => {
    let kept = NOTHING_KEPT;
    for (let n = 0; n < 60; n++) {
      kept = withWishes(kept, `${n}.ipynb`, { ...NO_WISHES, engine: `e${n}` });
    }
    kept = withWishes(kept, '10.ipynb', NO_WISHES);

    const paths = Object.keys(readKept(JSON.parse(JSON.stringify(kept))).wishes);

    expect(paths).toHaveLength(50);
    expect([paths[0], paths[49]]).toEqual(['11.ipynb', '10.ipynb']);
    expect(readKept('garbage')).toEqual(NOTHING_KEPT);
  });
});
