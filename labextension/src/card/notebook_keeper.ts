import type { ICodeCellModel } from '@jupyterlab/cells';
import type { IOutput } from '@jupyterlab/nbformat';
import { Signal } from '@lumino/signaling';
import type { IContext } from '../context';
import { isOpen, OPEN_STATUSES } from '../query';
import type { IRun } from '../wire';
import { Claim } from './claim';
import type { Executing } from './executing';
import { CellFollower } from './follower';
import type { RunLookup } from './lookup';
import type { OpenNotebook } from './open_notebook';
import type { IShownCard } from './outputs';
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
    readonly notebook: OpenNotebook,
    private _keeping: IKeeping
  ) {
    const { context } = notebook;
    notebook.changed.connect(this._lookSoon, this);
    context.pathChanged.connect(this._onPath, this);
    context.fileChanged.connect(this._onSaved, this);
    _keeping.lookup.changed.connect(this._onKnown, this);
    this._onPath();
    this.refresh();
  }

  /** Changes may have been missed: look at all again. */
  refresh(): void {
    if (this._isUnsaved) {
      void this._freshen();
    }
    void this._adopt();
    this._lookSoon();
  }

  /** A run was launched from another one: where that is shown, the new one takes its place. */
  takeRetry(run: IRun): void {
    const isShown = run.retry_of !== null && this._shown.has(run.retry_of);
    for (const cell of isShown ? this.notebook.senders : []) {
      if (shownCard(cell.outputs)?.runId === run.retry_of && this._isOwn(cell, run)) {
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
    Signal.disconnectReceiver(this);
  }

  private _onPath(): void {
    const { baseUrl } = this._keeping.context.api.serverSettings;
    this._claim.setNotebook(baseUrl + this.notebook.path);
  }

  private _onSaved(): void {
    this._isUnsaved = false;
  }

  /** Another page that had it is closed: what that one has not saved is ours to save. */
  private async _onWon(): Promise<void> {
    if (this._isUnsaved && !(await this._freshen()) && this._isUnsaved) {
      this.notebook.context.model.dirty = true;
    }
  }

  private async _freshen(): Promise<boolean> {
    const isRead = await this.notebook.freshen();
    this._isUnsaved = this._isUnsaved && !isRead;
    return isRead;
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
    const executed = this.notebook.executed();
    const { isHeldUp } = this.notebook;
    const awaited = new Set<string>();
    const idle = new Set(this._followers.keys());
    this._shown.clear();
    for (const cell of this.notebook.cells) {
      // cheapest first: this is done while people type
      const shown = cell.type === 'code' ? shownCard((cell as ICodeCellModel).outputs) : null;
      if (!(shown || this._placing.has(cell as ICodeCellModel)) || !isSender(cell)) {
        continue;
      }
      if (shown) {
        this._shown.add(shown.runId);
      }
      const isExecuted = executed.has(cell);
      if (isExecuted) {
        this._done.delete(cell);
      } else if (this._placing.has(cell) || (shown && this._isToFollow(cell, shown))) {
        idle.delete(cell);
      }
      if (shown && (isExecuted || isHeldUp)) {
        awaited.add(shown.runId);
      }
    }
    idle.forEach(cell => this._stop(cell));
    this._keeping.executing.set(this, awaited);
  }

  /** Say whether a cell is to be given what its run says; begins with that. */
  private _isToFollow(cell: ICodeCellModel, shown: IShownCard): boolean {
    const { runId } = shown;
    const run = this._keeping.lookup.run(runId);
    const isToDo =
      run !== null &&
      this._done.get(cell) !== runId &&
      this.notebook.isWriter &&
      this._isOwn(cell, run) &&
      isBehind(shown, run);
    if (isToDo && this._followers.get(cell)?.runId !== runId && !this._ended.has(cell)) {
      void this._begin(cell, run);
    }
    return isToDo;
  }

  /** Follow a run into a cell; one that has ended may be in the file, which is read first. */
  private async _begin(cell: ICodeCellModel, run: IRun): Promise<void> {
    if (isOpen(run)) {
      this._start(cell, run.id);
      return;
    }
    this._ended.set(cell, run.id);
    if (this._ended.size > 1) {
      return; // it is being read
    }
    await Promise.resolve(); // for all that are seen in one look
    const isRead = await this._freshen();
    const ended = [...this._ended];
    this._ended.clear();
    for (const [one, runId] of isRead || this._isDisposed ? [] : ended) {
      this._start(one, runId);
    }
    this._lookSoon();
  }

  private _start(cell: ICodeCellModel, runId: string): void {
    const { context, lookup, pace } = this._keeping;
    this._stop(cell);
    const mayWrite = () =>
      !this._isDisposed &&
      !cell.isDisposed &&
      !this.notebook.executed().has(cell) &&
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
    const { model } = this.notebook.context;
    const wasDirty = model.dirty;
    this.notebook.withFocusKept(cell, () => {
      this._isAhead = setOutputs(cell.outputs, outputs) || this._isAhead;
    });
    if (isFinal && this._isAhead) {
      this._isUnsaved = true;
      this._isAhead = false;
    }
    model.dirty = wasDirty || (this._isUnsaved && this._claim.isOurs);
  }

  /** Bring runs that go on into the cells that have sent them, where those show older ones: once. */
  private async _adopt(): Promise<void> {
    const { context, lookup } = this._keeping;
    if (this._isAdopted) {
      return;
    }
    this._isAdopted = true;
    const { path: notebook, senders } = this.notebook;
    const query = { notebook, status: [...OPEN_STATUSES], limit: 200 };
    let runs: IRun[] = [];
    try {
      runs = senders.length ? (await context.api.runs(query)).runs : [];
    } catch {
      this._isAdopted = false; // again when the server is back
    }
    // the newest of a cell comes first
    for (const run of runs) {
      const cell = this.notebook.senders.find(one => one.id === run.cell_id);
      const shown = cell && shownCard(cell.outputs);
      const known = shown ? await lookup.answered(shown.runId) : null;
      const isNewer = known?.state === 'here' && known.row.run.created_at >= run.created_at;
      if (cell && run.kind === 'cell' && !isNewer && !this._placing.has(cell)) {
        this._place(cell, run);
      }
    }
  }

  /** Have a cell show a run that it does not show yet. */
  private _place(cell: ICodeCellModel, run: IRun): void {
    const { notebook } = this;
    if (!this._isDisposed && notebook.isWriter && !notebook.executed().has(cell)) {
      this._start(cell, run.id);
      this._placing.set(cell, run.id);
    }
  }

  private _isOwn(cell: ICodeCellModel, run: IRun): boolean {
    return isOwnCell(cell, run, this.notebook.cells, this.notebook.path);
  }

  private _claim = new Claim(() => void this._onWon());
  private _followers = new Map<ICodeCellModel, CellFollower>();
  /** Cells that do not show the run yet that is brought into them. */
  private _placing = new Map<ICodeCellModel, string>();
  /** Runs that have ended, of which the file may know. */
  private _ended = new Map<ICodeCellModel, string>();
  /** What was followed to its end. */
  private _done = new WeakMap<ICodeCellModel, string>();
  private _shown = new Set<string>();
  /** The end of a run is in the page, and not in the file. */
  private _isUnsaved = false;
  /** What is no end is. */
  private _isAhead = false;
  private _isAdopted = false;
  private _isDisposed = false;
  private _timer = 0;
}
