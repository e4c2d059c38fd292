import { OpenNotebook } from '../open_notebook';
import { aNotebook, codeCell, FakePanel } from './notebooks';

const FILE = { last_modified: '2026-11-26T10:05:00Z' };

/** A notebook that is open, beside a file that was written five minutes after it was read. */
function opened(page: FakePanel, get = async (): Promise<object> => FILE): OpenNotebook {
  const contents = { localPath: (path: string) => path.replace(/^\w+:/, ''), get };
  const notebook = new OpenNotebook(page.panel.context, contents as never);
  notebook.panels.add(page.panel);
  return notebook;
}

describe('OpenNotebook', () => {
  it('is where it is, whatever drive it is opened by', () => {
    expect(opened(new FakePanel(aNotebook([]), 'RTC:dir/a b.ipynb')).path).toBe('dir/a b.ipynb');
  });

  it('knows which cells send runs away', () => {
    const cells = [
      { id: 'a' },
      { id: 'b', source: 'fl.get("x")' },
      { id: 'c', source: '# %%flotilla_run' }
    ];

    expect(opened(new FakePanel(aNotebook(cells))).senders.map(cell => cell.id)).toEqual(['a']);
  });

  it('knows what is executed in any of its views, until that is done', async () => {
    const model = aNotebook([{ id: 'a' }, { id: 'b' }]);
    const [one, other] = [new FakePanel(model), new FakePanel(model)];
    const notebook = opened(one);
    notebook.panels.add(other.panel);
    const told = jest.fn();
    notebook.changed.connect(told);

    const execution = other.execute(1);
    expect([...notebook.executed()]).toEqual([codeCell(model, 1)]);
    execution.end();
    await execution.done;

    expect(told).toHaveBeenCalledTimes(1);
    expect(notebook.executed().size).toBe(0);
  });

  it('knows that a restarted kernel executes nothing', () => {
    const page = new FakePanel(aNotebook([{ id: 'a' }]));
    const notebook = opened(page);
    const execution = page.execute();
    notebook.executed();

    execution.isDisposed = true;

    expect(notebook.executed().size).toBe(0);
  });

  it.each([
    [false, 9, true],
    [true, 3, true],
    [true, 9, false]
  ])('of one that is shared (%s), client %d is the writer: %s', (collaborative, clientID, is) => {
    const states = new Map([
      [9, {}],
      [3, {}]
    ]);
    const page = new FakePanel(aNotebook([]));
    const awareness = { clientID, getStates: () => states };
    Object.defineProperty(page.model, 'collaborative', { value: collaborative });
    Object.defineProperty(page.model.sharedModel, 'awareness', { value: awareness });

    expect(opened(page).isWriter).toBe(is);
  });
});

describe('freshen', () => {
  it.each([
    ['2026-11-26T10:05:00Z', true],
    ['2026-11-26T10:00:00.400Z', false],
    ['2026-11-26T09:00:00Z', false]
  ])('reads a file of %s again: %s', async (modified, isRead) => {
    const page = new FakePanel(aNotebook([]));
    const notebook = opened(page, async () => ({ last_modified: modified }));

    expect(await notebook.freshen()).toBe(isRead);
    expect(page.reverted).toBe(isRead ? 1 : 0);
  });

  it('leaves a notebook alone in which something is unsaved', async () => {
    const page = new FakePanel(aNotebook([]));
    page.model.dirty = true;

    expect(await opened(page).freshen()).toBe(false);
  });

  it('leaves a notebook alone in which something is executed', async () => {
    const page = new FakePanel(aNotebook([{ id: 'a' }]));
    page.execute();

    expect(await opened(page).freshen()).toBe(false);
    expect(page.reverted).toBe(0);
  });

  it('leaves a notebook alone whose file is gone', async () => {
    const get = () => Promise.reject(new Error('404'));

    expect(await opened(new FakePanel(aNotebook([])), get).freshen()).toBe(false);
  });
});
