/** Notebooks as Lab has them, and pages that have them open, as tests need them. */
import type { ICodeCellModel } from '@jupyterlab/cells';
import type { IOutput } from '@jupyterlab/nbformat';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { NotebookModel } from '@jupyterlab/notebook';
import { Signal } from '@lumino/signaling';
import { MIME } from '../bundle';

export const RUN = 'r000000000001';
export const MAGIC_SOURCE = '%%flotilla_run --memory 16G\ntrain()';

export function aCard(runId = RUN, status = 'RUNNING'): IOutput {
  const bundle = { run_id: runId, name: 'train', status, lines: ['stored'] };
  return {
    output_type: 'display_data',
    data: { [MIME]: bundle, 'text/plain': 'stored' },
    metadata: {}
  };
}

export function aStream(text: string, name = 'stdout'): IOutput {
  return { output_type: 'stream', name, text };
}

export function aPicture(data: string): IOutput {
  return { output_type: 'display_data', data: { 'image/png': data }, metadata: {} };
}

export interface ICellOf {
  id: string;
  source?: string;
  outputs?: IOutput[];
}

/** A notebook that was just loaded: nothing in it is unsaved. */
export function aNotebook(cells: ICellOf[]): NotebookModel {
  const model = new NotebookModel();
  // Yjs warns of what Lab itself does here
  const warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
  model.fromJSON({
    nbformat: 4,
    nbformat_minor: 5,
    metadata: {},
    cells: cells.map(({ id, source = MAGIC_SOURCE, outputs = [] }) => ({
      id,
      cell_type: 'code',
      source,
      outputs,
      metadata: {},
      execution_count: null
    }))
  });
  warn.mockRestore();
  model.sharedModel.clearUndoHistory();
  model.dirty = false;
  return model;
}

export function codeCell(model: NotebookModel, at = 0): ICodeCellModel {
  return model.cells.get(at) as ICodeCellModel;
}

/** What a kernel was asked to execute: Lab keeps it as it is when it is done. */
export class FakeFuture {
  isDisposed = false;
  end: () => void = () => undefined;
  done = new Promise<void>(resolve => {
    this.end = resolve;
  });
}

/** A page that has a notebook open. */
export class FakePanel {
  sessionContext = {
    statusChanged: new Signal<object, string>(this),
    kernelChanged: new Signal<object, object>(this),
    session: {
      kernel: { status: 'idle', connectionStatus: 'connected', registerCommTarget: () => undefined }
    }
  };

  constructor(
    readonly model: NotebookModel,
    public path = 'train.ipynb'
  ) {
    const page = this;
    this.context = {
      ready: Promise.resolve(),
      model,
      get path() {
        return page.path;
      },
      contentsModel: { last_modified: '2026-11-26T10:00:00Z' },
      isDisposed: false,
      revert: async () => {
        this.reverted += 1;
      },
      sessionContext: this.sessionContext,
      pathChanged: new Signal<object, string>(this),
      fileChanged: new Signal<object, object>(this)
    };
    this.content = {
      widgets: [...model.cells].map(cell => ({
        model: cell,
        node: document.createElement('div'),
        outputArea: { future: null as FakeFuture | null }
      }))
    };
  }

  reverted = 0;
  context: {
    ready: Promise<void>;
    model: NotebookModel;
    readonly path: string;
    contentsModel: { last_modified: string };
    isDisposed: boolean;
    revert: () => Promise<void>;
    sessionContext: FakePanel['sessionContext'];
    pathChanged: Signal<object, string>;
    fileChanged: Signal<object, object>;
  };
  content: {
    widgets: {
      model: unknown;
      node: HTMLElement;
      outputArea: { future: FakeFuture | null };
    }[];
  };
  disposed = new Signal<this, void>(this);
  isDisposed = false;

  get panel(): NotebookPanel {
    return this as unknown as NotebookPanel;
  }

  /** Have a kernel execute a cell. */
  execute(at = 0): FakeFuture {
    const future = new FakeFuture();
    this.content.widgets[at].outputArea.future = future;
    return future;
  }
}
