import type { CodeCell, ICellModel, ICodeCellModel } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { Contents } from '@jupyterlab/services';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';
import { isSender } from './own';

/** Clocks of files are coarse: what is newer by less is no news, as Lab itself has it. */
const MARGIN_MS = 500;

type Context = NotebookPanel['context'];

/** What is executed, and when that is over. */
interface IExecution {
  readonly isDisposed: boolean;
  readonly done: Promise<unknown>;
}

/** A notebook that this page has open, in as many views as it likes. */
export class OpenNotebook {
  constructor(
    readonly context: Context,
    private _contents: Contents.IManager
  ) {
    context.model.contentChanged.connect(this._tell, this);
    context.sessionContext.statusChanged.connect(this._tell, this);
    context.sessionContext.kernelChanged.connect(this._tell, this);
  }

  /** What its views are drawn in. */
  readonly panels = new Set<NotebookPanel>();

  /** Its cells are others, or a kernel has begun or ended with them. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Where it is, relative to the server's root. */
  get path(): string {
    // a drive, as of real-time collaboration, is no part of it
    return this._contents.localPath(this.context.path);
  }

  get cells(): ICellModel[] {
    return [...this.context.model.cells];
  }

  /** Cells that send runs away. */
  get senders(): ICodeCellModel[] {
    return this.cells.filter(isSender);
  }

  /** Cells that a kernel of this page executes, or will. */
  executed(): Set<ICodeCellModel> {
    const { model, sessionContext } = this.context;
    const found = new Set<ICodeCellModel>();
    const isBusy = sessionContext.session?.kernel?.status === 'busy';
    for (const panel of this.panels) {
      for (const widget of panel.content.widgets) {
        const cell = widget.model as ICodeCellModel;
        const execution = (widget as CodeCell).outputArea?.future;
        // where pages share a notebook, another one may have asked for it
        const isShared = model.collaborative && isBusy && cell.executionState === 'running';
        if (isShared || (execution && !this._isOver(execution))) {
          found.add(cell);
        }
      }
    }
    return found;
  }

  /**
   * Say whether a kernel is held up by what this page knows nothing of: a cell, it may be, that was
   * executed before the page was loaded anew.
   */
  get isHeldUp(): boolean {
    const kernel = this.context.sessionContext.session?.kernel;
    // one that is held up cannot even say how it is to a page that is new
    const isBusy = kernel?.status === 'busy' || kernel?.status === 'unknown';
    return isBusy && kernel.connectionStatus === 'connected' && this.executed().size === 0;
  }

  /**
   * Say whether this page is the one that writes into a notebook that several pages share: then what
   * one writes is there for all. Where pages do not share it, each writes into its own.
   */
  get isWriter(): boolean {
    const { model } = this.context;
    if (!model.collaborative) {
      return true;
    }
    const { awareness } = model.sharedModel;
    return awareness.clientID === Math.min(...awareness.getStates().keys());
  }

  /**
   * Read the file again that somebody else has written, if nothing is unsaved; says whether.
   *
   * The server writes the end of a run where it knows of no page that has the notebook open: a page
   * that was asleep meanwhile has an older one.
   */
  async freshen(): Promise<boolean> {
    const { context } = this;
    const { contentsModel, model } = context;
    const isOurs = () => model.dirty || model.collaborative || this.executed().size > 0;
    if (!contentsModel || isOurs()) {
      return false;
    }
    let file: Contents.IModel;
    try {
      file = await this._contents.get(context.path, { content: false });
    } catch {
      return false; // deleted, or the server is away: Lab says so where it matters
    }
    const newerBy = Date.parse(file.last_modified) - Date.parse(contentsModel.last_modified);
    if (context.isDisposed || isOurs() || newerBy <= MARGIN_MS) {
      return false;
    }
    await context.revert();
    return true;
  }

  /** Do something to a cell; the focus stays at it where what had it is drawn anew. */
  withFocusKept(cell: ICodeCellModel, action: () => void): void {
    const widgets = [...this.panels].flatMap(panel => panel.content.widgets);
    const focused = widgets.find(
      one => one.model === cell && one.node.contains(document.activeElement)
    );
    action();
    if (focused) {
      // renderers draw a little later
      window.setTimeout(() => {
        if (document.activeElement === null || document.activeElement === document.body) {
          focused.node.focus();
        }
      }, 100);
    }
  }

  dispose(): void {
    Signal.disconnectReceiver(this);
    Signal.clearData(this);
  }

  /** Say whether a kernel is done with a cell, however that ended; it is told when it is. */
  private _isOver(execution: IExecution): boolean {
    const isOver = this._executions.get(execution);
    if (isOver === undefined) {
      // what Lab executes stays as it is when it is done: only its promise tells
      this._executions.set(execution, false);
      const end = () => {
        this._executions.set(execution, true);
        this._tell();
      };
      execution.done.then(end, end);
    }
    return execution.isDisposed || (isOver ?? false);
  }

  private _tell(): void {
    this._changed.emit();
  }

  private _executions = new WeakMap<IExecution, boolean>();
  private _changed = new Signal<this, void>(this);
}
