import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { act, fireEvent, render, screen } from '@testing-library/react';
import type { ReactElement } from 'react';
import { useState } from 'react';
import { aRun, aRunningRun, FakeServer, trans } from '../../__tests__/fakes';
import { FlotillaApi } from '../../api';
import { ServerClock, Ticker } from '../../clock';
import type { IAttempt, IRunDetail } from '../../wire';
import type { DetailActions } from '../actions';
import { AnsiText } from '../components/AnsiText';
import { AttemptTable } from '../components/AttemptTable';
import { barless, Header } from '../components/Header';
import { chosenMime } from '../components/Rich';
import { Tabs } from '../components/Tabs';
import { TextBlock } from '../components/TextBlock';
import { Why } from '../components/Why';
import { HostContext } from '../host';
import { PLAIN } from '../logs/ansi';
import { foundText } from '../logs/LogBar';
import { indexOfKey, indexOfTarget } from '../logs/scrolling';
import { NOT_SEARCHED } from '../logs/search_model';
import type { ITextLine } from '../logs/lines';
import { OutputsRoom } from '../OutputsRoom';
import { RetryFields } from '../components/RetryFields';

const HOSTILE = '<img src=x onerror=window.hacked=1>\u202Eexe';
const time = { clock: new ServerClock(), ticker: new Ticker() };
const api = new FlotillaApi(new FakeServer(() => ({ json: { engines: [] } })).settings);

function aDetail(fields: Partial<IRunDetail> = {}): IRunDetail {
  return {
    ...aRun(),
    attempts: [],
    events: [],
    spec: {},
    explanation: '',
    suggestion: null,
    queue: '',
    outputs: [],
    files: [],
    has_notebook: false,
    is_kept: false,
    status_text: '',
    cost_text: '',
    ...fields
  } as IRunDetail;
}

const anAttempt = (fields: Partial<IAttempt>) =>
  ({
    number: 1,
    resources: aRun().resources,
    phases: {},
    failure_kind: null,
    signal: null,
    exit_code: null,
    ended_at: null,
    duration_s: null,
    charge_usd: null,
    message: null,
    usage: null,
    ...fields
  }) as IAttempt;

describe('Header', () => {
  const actions = {
    copyId: jest.fn(),
    cancel: jest.fn(),
    retry: jest.fn(),
    retryAsSuggested: jest.fn(),
    retryWithChanges: jest.fn(),
    openRun: jest.fn(),
    keep: jest.fn(),
    openFile: jest.fn(),
    openLabel: () => 'Open notebook'
  };
  const shown = (detail: IRunDetail) =>
    render(
      <Header
        detail={detail}
        row={{ run: detail, asOf: 0 }}
        time={time}
        actions={actions as unknown as DetailActions}
        trans={trans}
      />
    );
  const buttons = () =>
    [...screen.getByRole('group').querySelectorAll('button')].map(one => one.textContent);

  it('offers to cancel what goes on, once', () => {
    const { unmount } = shown(aDetail({ ...aRunningRun(), notebook: null }));
    expect(buttons()).toEqual(['Cancel…']);
    unmount();
    shown(aDetail({ ...aRunningRun(), notebook: null, cancel_requested_at: 'now' }));
    expect(buttons()).toEqual([]);
  });

  it('offers what may help first, and no retry twice', () => {
    const failed = { status: 'FAILED' as const, notebook: null };
    const suggestion = { label: 'Retry with 8 G', options: { memory: '8G' } };
    const { unmount } = shown(aDetail({ ...failed, suggestion }));
    expect(buttons()).toEqual(['Retry with 8 G', 'Retry', 'Retry with changes…', 'Keep']);
    fireEvent.click(screen.getByRole('button', { name: 'Retry with 8 G' }));
    expect(actions.retryAsSuggested).toHaveBeenCalled();
    unmount();
    shown(aDetail({ ...failed, is_kept: true, suggestion: { label: 'Retry', options: {} } }));
    expect(buttons()).toEqual(['Retry', 'Retry with changes…', 'Keep no longer']);
  });

  it('shows a hostile name as text, and copies the id', () => {
    shown(aDetail({ name: HOSTILE, owner: HOSTILE }));
    fireEvent.click(screen.getByRole('button', { name: 'r000000' }));

    expect(screen.getByRole('heading').textContent).toBe(HOSTILE);
    expect(document.querySelector('img')).toBeNull();
    expect(actions.copyId).toHaveBeenCalled();
  });

  it('has one bar for a progress, its own', () => {
    expect(barless('███░░░ 30% (epoch 3)')).toBe('30% (epoch 3)');
    expect(barless('3 of 10')).toBe('3 of 10');
  });
});

describe('Why', () => {
  it('says why a run failed, as text, and nothing of one that did not', () => {
    const { container, rerender } = render(<Why detail={aDetail()} trans={trans} />);
    expect(container.textContent).toBe('');
    const detail = aDetail({ status: 'FAILED', explanation: `\x1b[31mIt\x1b[0m\n  ${HOSTILE}` });
    rerender(<Why detail={detail} trans={trans} />);
    expect(container.querySelector('pre')?.textContent).toBe(`It\n  ${HOSTILE}`);
  });
});

describe('AttemptTable', () => {
  it('tells how each ended', () => {
    const attempts = [
      anAttempt({ failure_kind: 'out-of-memory', ended_at: 'x' }),
      anAttempt({ number: 2, signal: 9, ended_at: 'x' }),
      anAttempt({ number: 3, exit_code: 1, ended_at: 'x' }),
      anAttempt({ number: 4 })
    ];
    const { container } = render(<AttemptTable attempts={attempts} trans={trans} />);
    expect(container.querySelector('summary')?.textContent).toBe(
      '4 attempts: out of memory, signal 9, exit 1, goes on'
    );
    expect(container.querySelectorAll('tbody tr')).toHaveLength(4);
  });
});

describe('Tabs', () => {
  function Shown(): ReactElement {
    const [open, setOpen] = useState('a');
    const tabs = ['a', 'b', 'c'].map(key => ({ key, label: key }));
    return <Tabs id="x" label="tabs" tabs={tabs} open={open} onOpen={setOpen} />;
  }

  it('goes by arrows, round and round, and only the open one is reached by Tab', () => {
    render(<Shown />);
    const tabs = screen.getAllByRole('tab');
    act(() => tabs[0].focus());
    for (const [key, at] of [['ArrowLeft', 2], ['ArrowRight', 0], ['End', 2], ['Home', 0]] as const) {
      fireEvent.keyDown(document.activeElement as Element, { key });
      expect(document.activeElement).toBe(tabs[at]);
      expect(tabs[at].getAttribute('aria-selected')).toBe('true');
    }
    fireEvent.keyDown(tabs[0], { key: 'ArrowRight', altKey: true });
    expect(tabs.map(tab => tab.tabIndex)).toEqual([0, -1, -1]);
  });
});

describe('OutputsRoom', () => {
  it('links to files as downloads, and shows small pictures', () => {
    const files = [
      { attempt: 1, path: 'a dir/x #1?.png', size_bytes: 10 },
      { attempt: 2, path: 'page.svg', size_bytes: 10 },
      { attempt: 2, path: 'large.png', size_bytes: 1e9 }
    ];
    const outputs = [{ name: 'x/y', type: 'json', size_bytes: 5 }];
    render(<OutputsRoom detail={aDetail({ files, outputs })} api={api} trans={trans} />);
    const addresses = screen.getAllByRole('link').map(link => link.getAttribute('href'));

    const base = 'http://127.0.0.1:1/base/flotilla/api/runs/r000000000001';
    expect(addresses).toEqual([
      `${base}/outputs/x%2Fy`,
      `${base}/attempts/1/files/a%20dir/x%20%231%3F.png?download=1`,
      `${base}/attempts/2/files/page.svg?download=1`,
      `${base}/attempts/2/files/large.png?download=1`
    ]);
    expect(screen.getAllByRole('img')).toHaveLength(1);
  });

  it('says when there is nothing', () => {
    render(<OutputsRoom detail={aDetail()} api={api} trans={trans} />);
    expect(screen.getByText(/no values and no files/)).toBeTruthy();
  });
});

describe('RetryFields', () => {
  it('sends only what was changed', async () => {
    const onChange = jest.fn();
    const detail = aDetail({ spec: { timeout_s: 3600 } });
    await act(async () => {
      render(
        <RetryFields
          detail={detail}
          begin={{}}
          problem="no such size"
          api={api}
          onChange={onChange}
          trans={trans}
        />
      );
    });
    const memory = screen.getByRole('textbox', { name: /Memory/ });
    expect(memory.getAttribute('placeholder')).toBe('4 G');
    fireEvent.change(memory, { target: { value: ' 8G ' } });
    expect(onChange).toHaveBeenLastCalledWith({ memory: '8G' });
    fireEvent.change(memory, { target: { value: '' } });

    expect(onChange).toHaveBeenLastCalledWith({});
    expect(screen.getByRole('alert').textContent).toBe('no such size');
    expect(screen.queryByRole('checkbox')).toBeNull();
  });
});

describe('text', () => {
  it('is never more than text', () => {
    const { container } = render(<AnsiText text={`\x1b[31m${HOSTILE}\x1b[0m`} search="onerror" />);
    expect(container.textContent).toBe(HOSTILE);
    expect(container.querySelector('img')).toBeNull();
    expect(container.querySelector('mark')?.textContent).toBe('onerror');
  });

  it('is drawn in part where it is long', () => {
    const text = Array.from({ length: 10_000 }, (_, n) => `line ${n}`).join('\n');
    const host = { rendermime: null, languages: null, trans };
    render(
      <HostContext.Provider value={host}>
        <TextBlock text={text} />
      </HostContext.Provider>
    );
    expect(document.querySelectorAll('.jp-Flotilla-line')).toHaveLength(300);
    fireEvent.click(screen.getByRole('button', { name: '… 9,700 more lines' }));
    expect(document.querySelectorAll('.jp-Flotilla-line').length).toBeLessThanOrEqual(5000);
  });
});

describe('chosenMime', () => {
  const SAFE = ['text/html', 'image/png', 'text/plain'];
  const rendermime = {
    preferredMimeType: (data: object) => SAFE.find(mime => mime in data)
  } as unknown as IRenderMimeRegistry;

  it.each([
    [{ 'text/html': 'x', 'text/plain': 'x' }, 'text/html'],
    [{ 'application/javascript': 'x', 'text/plain': 'x' }, 'text/plain'],
    [{ 'application/javascript': 'x' }, null],
    [{ 'image/svg+xml': '<svg/>', 'text/plain': 'x' }, 'image/svg+xml'],
    [{ 'image/svg+xml': '<svg/>', 'image/png': 'x' }, 'image/png'],
    [{ 'image/svg+xml': 5 }, null],
    [{}, null]
  ])('draws of %j only what is safe', (data, expected) => {
    expect(chosenMime(data, rendermime)).toBe(expected);
  });
});

describe('places in a log', () => {
  const line = (seq: number, text: string): ITextLine => ({
    type: 'text', key: `${seq}:${text}`, seq, cell: null, source: 'stdout', text, rest: 0,
    style: PLAIN, isReturned: false
  });
  const lines = [line(1, 'a'), line(2, 'b'), line(2, 'the \x1b[31mneedle'), line(5, 'c')];

  it('finds the line that has the text, or the first one of the record', () => {
    const at = (seq: number, text: string) => indexOfTarget(lines, { seq, text, isFound: true });
    expect([at(2, 'NEEDLE'), at(2, 'else'), at(3, ''), at(5, 'needle'), at(9, 'c')]).toEqual([
      2, 1, 3, 2, -1
    ]);
  });

  it('finds a line again, or what took its place', () => {
    expect(indexOfKey(lines, '2:b', 2)).toBe(1);
    expect(indexOfKey(lines, 'gone', 3)).toBe(3);
  });

  it('tells what was found', () => {
    const found = { ...NOT_SEARCHED, text: 'x' };
    expect(foundText(NOT_SEARCHED, trans)).toBe('');
    expect(foundText({ ...found, isSearching: true }, trans)).toBe('Searching…');
    expect(foundText(found, trans)).toBe('Not found');
    expect(foundText({ ...found, seqs: [1, 2], current: 1, isCut: true }, trans)).toBe('2 of 2+');
  });
});
