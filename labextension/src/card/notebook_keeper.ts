import type { CodeCell, ICodeCellModel } from '@jupyterlab/cells';
import type { IOutput } from '@jupyterlab/nbformat';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { Signal } from '@lumino/signaling';
import type { IContext } from '../context';
import { isOpen, OPEN_STATUSES } from '../query';
import type { IRun } from '../wire';
import { Claim, isWriter } from './claim';
import type { Executing } from './executing';
import { CellFollower } from './follower';
import { freshen } from './fresh';
import type { RunLookup } from './lookup';
import { setOutputs, shownCard } from './outputs';
import { isBehind, isOwnCell, isSender } from './own';
import type { Pace } from './pace';

/** How long changes are gathered before the cells are looked at. */
const GATHERING_MS = 100;

/** What whoever keeps notebooks needs. */
export interface IKeeping {
  context: IContext;
  lookup: RunLookup;
  executing: Executing;
  pace: Pace;
}

/**
 * Keeps the cells of one notebook true that have sent runs away and are not waited for by a kernel
 * of this page: the page was loaded anew, the kernel died, or the cell was told not to wait.
 */
export class NotebookKeeper {
  constructor(
    private _panel: NotebookPanel,
    private _keeping: IKeeping
  ) {
    void Promise.all([_panel.context.ready, _keeping.context.app.restored]).then(() =>
      this._begin()
    );
  }

  /** Where the notebook is, relative to the server's root. */
  get path(): string {
    const { contents } = this._keeping.context.app.serviceManager;
    // a drive, as of real-time collaboration, is no part of it
    return contents.localPath(this._panel.context.path);
  }

  /** Changes may have been missed: look at the file, and then at the cells. */
  async refresh(): Promise<void> {
    if (this._isBegun && this._hasSenders() && this._executed().size === 0) {
      const { contents } = this._keeping.context.app.serviceManager;
      if (await freshen(this._panel, contents)) {
        this._isUnsaved = false;
      }
    }
    void this._adopt();
    this._lookSoon();
  }

  /** A run was launched from another one: where that is shown, the new one takes its place. */
  takeRetry(run: IRun): void {
    for (const cell of this._isBegun ? this._senders() : []) {
      const shown = shownCard(cell.outputs);
      if (shown?.runId === run.retry_of && this._isOwn(cell, run)) {
        this._place(cell, run);
      }
    }
  }

  dispose(): void {
    this._isDisposed = true;
    window.clearTimeout(this._timer);
    this._claim.dispose();
    this._followers.forEach(follower => follower.dispose());
    this._keeping.executing.set(this, new Set());
    Signal.clearData(this);
  }

  private _begin(): void {
    if (this._isDisposed) {
      return;
    }
    const { context, sessionContext } = this._panel;
    this._isBegun = true;
    context.model.contentChanged.connect(this._lookSoon, this);
    context.pathChanged.connect(this._onPath, this);
    context.fileChanged.connect(this._onSaved, this);
    sessionContext.statusChanged.connect(this._lookSoon, this);
    sessionContext.kernelChanged.connect(this._lookSoon, this);
    this._keeping.lookup.changed.connect(this._onKnown, this);
    this._onPath();
    this._look();
    void this._adopt();
  }

  private _onPath(): void {
    const { baseUrl } = this._keeping.context.api.serverSettings;
    this._claim.setNotebook(baseUrl + this.path);
  }

  private _onSaved(): void {
    this._isUnsaved = false;
  }

  /** Another page that had it is closed: what that one has not saved is ours to save. */
  private async _onWon(): Promise<void> {
    if (this._isUnsaved) {
      await this.refresh();
      const { model } = this._panel.context;
      model.dirty = model.dirty || this._isUnsaved;
    }
  }

  private _onKnown(_: RunLookup, ids: readonly string[]): void {
    if (ids.some(id => this._shown.has(id))) {
      this._lookSoon();
    }
  }

  private _lookSoon(): void {
    if (this._timer === 0 && !this._isDisposed) {
      this._timer = window.setTimeout(() => this._look(), GATHERING_MS);
    }
  }

  /** Look at all cells: which run each one shows, and whether that is to be followed. */
  private _look(): void {
    this._timer = 0;
    if (this._isDisposed || this._panel.isDisposed) {
      return;
    }
    const executed = this._executed();
    const awaited = new Set<string>();
    const idle = new Set(this._followers.keys());
    this._shown.clear();
    for (const cell of this._senders()) {
      const shown = shownCard(cell.outputs);
      if (shown) {
        this._shown.add(shown.runId);
      }
      if (executed.has(cell)) {
        this._done.delete(cell);
        if (shown) {
          awaited.add(shown.runId);
        }
      } else if (this._placing.has(cell) || (shown && this._follow(cell, shown.runId))) {
        idle.delete(cell);
      }
    }
    idle.forEach(cell => this._stop(cell));
    this._keeping.executing.set(this, awaited);
  }

  /** Follow a run into the cell that shows it, if that has to be; says whether. */
  private _follow(cell: ICodeCellModel, runId: string): boolean {
    const shown = shownCard(cell.outputs);
    const run = this._keeping.lookup.run(runId);
    const isToDo =
      run !== null &&
      shown !== null &&
      this._done.get(cell) !== runId &&
      isWriter(this._panel) &&
      this._isOwn(cell, run) &&
      isBehind(shown, run);
    if (isToDo && this._followers.get(cell)?.runId !== runId) {
      this._start(cell, runId);
    }
    return isToDo;
  }

  private _start(cell: ICodeCellModel, runId: string): void {
    const { context, lookup, pace } = this._keeping;
    this._stop(cell);
    const mayWrite = () =>
      !this._panel.isDisposed &&
      !this._executed().has(cell) &&
      (this._placing.get(cell) === runId || shownCard(cell.outputs)?.runId === runId);
    const target = {
      mayWrite,
      isAwaited: () => {
        const run = lookup.run(runId);
        // a page that nobody looks at is told the end, so that it can be saved
        return document.visibilityState !== 'hidden' || (run !== null && !isOpen(run));
      },
      write: (outputs: readonly IOutput[], isFinal: boolean) => {
        this._placing.delete(cell);
        this._write(cell, outputs, isFinal);
      },
      ended: () => {
        if (mayWrite()) {
          this._done.set(cell, runId);
        }
        this._placing.delete(cell);
        this._followers.delete(cell);
        this._lookSoon();
      }
    };
    this._followers.set(cell, new CellFollower(context.api, runId, target, pace));
  }

  private _stop(cell: ICodeCellModel): void {
    this._followers.get(cell)?.dispose();
    this._followers.delete(cell);
    this._placing.delete(cell);
  }

  /**
   * Write into a cell. What is not the end yet makes no notebook unsaved: it can be had again at
   * any time.
   */
  private _write(cell: ICodeCellModel, outputs: readonly IOutput[], isFinal: boolean): void {
    const { model } = this._panel.context;
    const wasDirty = model.dirty;
    const widget = this._panel.content.widgets.find(one => one.model === cell);
    const hadFocus = widget?.node.contains(document.activeElement) ?? false;
    const isChanged = setOutputs(cell.outputs, outputs);
    if (hadFocus) {
      keepFocus(widget!.node);
    }
    this._isUnsaved = isFinal && (isChanged || this._isAhead);
    this._isAhead = !isFinal && (isChanged || this._isAhead);
    model.dirty = wasDirty || (this._isUnsaved && this._claim.isOurs);
  }

  /** Bring runs that go on into the cells that have sent them, where those show older ones: once. */
  private async _adopt(): Promise<void> {
    const { context, lookup } = this._keeping;
    if (this._isAdopted || !this._isBegun) {
      return;
    }
    this._isAdopted = true;
    const query = { notebook: this.path, status: [...OPEN_STATUSES], limit: 200 };
    let runs: IRun[] = [];
    try {
      runs = this._hasSenders() ? (await context.api.runs(query)).runs : [];
    } catch {
      this._isAdopted = false; // again when the server is back
    }
    // the newest of a cell comes first
    for (const run of runs) {
      const cell = this._senders().find(one => one.id === run.cell_id);
      const shown = cell && shownCard(cell.outputs);
      const known = shown ? await lookup.answered(shown.runId) : null;
      const isNewer =
        known?.state === 'here' && known.row.run.created_at >= run.created_at;
      if (cell && run.kind === 'cell' && !isNewer && !this._placing.has(cell)) {
        this._place(cell, run);
      }
    }
  }

  /** Have a cell show a run that it does not show yet. */
  private _place(cell: ICodeCellModel, run: IRun): void {
    if (!this._isDisposed && isWriter(this._panel) && !this._executed().has(cell)) {
      this._start(cell, run.id);
      this._placing.set(cell, run.id);
    }
  }

  private _isOwn(cell: ICodeCellModel, run: IRun): boolean {
    return isOwnCell(cell, run, this._panel.context.model.cells, this.path);
  }

  private _senders(): ICodeCellModel[] {
    return [...(this._panel.context.model?.cells ?? [])].filter(isSender);
  }

  private _hasSenders(): boolean {
    return this._senders().length > 0;
  }

  /** Cells that a kernel of this page executes, or will. */
  private _executed(): Set<ICodeCellModel> {
    const { context, content, sessionContext } = this._panel;
    const found = new Set<ICodeCellModel>();
    const isBusy = sessionContext.session?.kernel?.status === 'busy';
    for (const widget of content.widgets) {
      const { future } = (widget as CodeCell).outputArea ?? {};
      const model = widget.model as ICodeCellModel;
      if (future && !future.isDisposed && !this._isOver(future)) {
        found.add(model);
      } else if (context.model.collaborative && isBusy && model.executionState === 'running') {
        found.add(model); // another page has asked for it
      }
    }
    return found;
  }

  /** Say whether a kernel is done with a cell; if not, the cells are looked at when it is. */
  private _isOver(future: { done: Promise<unknown> }): boolean {
    const isOver = this._futures.get(future);
    if (isOver === undefined) {
      // what Lab executes stays as it is when it is done: only its promise tells
      this._futures.set(future, false);
      const end = () => {
        this._futures.set(future, true);
        this._lookSoon();
      };
      future.done.then(end, end);
    }
    return isOver ?? false;
  }

  private _claim = new Claim(() => void this._onWon());
  private _followers = new Map<ICodeCellModel, CellFollower>();
  /** Cells that do not show the run yet that is brought into them. */
  private _placing = new Map<ICodeCellModel, string>();
  /** What was followed to its end. */
  private _done = new WeakMap<ICodeCellModel, string>();
  /** Of what kernels were asked to execute, whether they are done with it. */
  private _futures = new WeakMap<object, boolean>();
  private _shown = new Set<string>();
  /** The end of a run is in the page, and not in the file. */
  private _isUnsaved = false;
  /** Something else is. */
  private _isAhead = false;
  private _isBegun = false;
  private _isAdopted = false;
  private _isDisposed = false;
  private _timer = 0;
}

/** Leave the focus at a cell where what had it is drawn anew. */
function keepFocus(cell: HTMLElement): void {
  window.setTimeout(() => {
    if (document.activeElement === null || document.activeElement === document.body) {
      cell.focus();
    }
  }, GATHERING_MS);
}
