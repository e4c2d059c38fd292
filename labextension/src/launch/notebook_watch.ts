import type { Cell } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { ISignal, Signal } from '@lumino/signaling';
import { currentNotebook } from '../commands';
import type { IContext } from '../context';
import type { INotebookView } from './subject';
import { joinedSource } from './subject';

const NO_NOTEBOOK: INotebookView = { path: '', isDirty: false, cells: 0 };

/** Follows the notebook that is open, and what is selected in it. */
export class NotebookWatch {
  constructor(private _context: IContext) {
    const { notebooks } = _context;
    notebooks?.currentChanged.connect(this._onCurrent, this);
    notebooks?.selectionChanged.connect(this._look, this);
    notebooks?.activeCellChanged.connect(this._look, this);
    this._onCurrent();
  }

  /** Another notebook is open, or what is seen of it is otherwise. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The file of the notebook is another than before: it was saved. */
  get saved(): ISignal<this, void> {
    return this._saved;
  }

  /** The text of a selected cell may be another. */
  get edited(): ISignal<this, void> {
    return this._edited;
  }

  get view(): INotebookView {
    return this._view;
  }

  /** Return the source of the selected code cells. */
  selectedSource(): string {
    return joinedSource(this._selected().map(cell => cell.model.sharedModel.getSource()));
  }

  /** Write the notebook to its file; throws what Lab throws. */
  async save(): Promise<void> {
    await this._panel?.context.save();
  }

  dispose(): void {
    this._follow(null);
    Signal.clearData(this);
  }

  private _onCurrent(): void {
    this._follow(this._context.notebooks?.currentWidget ?? null);
    this._look();
  }

  private _follow(panel: NotebookPanel | null): void {
    if (panel === this._panel) {
      return;
    }
    const before = this._panel;
    if (before && !before.isDisposed) {
      before.context.fileChanged.disconnect(this._onSaved, this);
      before.context.pathChanged.disconnect(this._look, this);
      before.context.model.stateChanged.disconnect(this._look, this);
      before.context.model.contentChanged.disconnect(this._onEdit, this);
    }
    this._panel = panel;
    panel?.context.fileChanged.connect(this._onSaved, this);
    panel?.context.pathChanged.connect(this._look, this);
    panel?.context.model.stateChanged.connect(this._look, this);
    panel?.context.model.contentChanged.connect(this._onEdit, this);
  }

  private _selected(): Cell[] {
    const notebook = this._panel?.content;
    const cells = notebook?.widgets ?? [];
    return cells.filter(cell => cell.model.type === 'code' && notebook?.isSelectedOrActive(cell));
  }

  private _look(): void {
    const panel = this._panel;
    const view =
      panel && !panel.isDisposed
        ? {
            path: currentNotebook(this._context),
            isDirty: panel.context.model.dirty,
            cells: this._selected().length
          }
        : NO_NOTEBOOK;
    const { path, isDirty, cells } = this._view;
    if (view.path !== path || view.isDirty !== isDirty || view.cells !== cells) {
      this._view = view;
      this._changed.emit();
    }
  }

  private _onSaved(): void {
    this._look();
    this._saved.emit();
  }

  private _onEdit(): void {
    this._edited.emit();
  }

  private _panel: NotebookPanel | null = null;
  private _view = NO_NOTEBOOK;
  private _changed = new Signal<this, void>(this);
  private _saved = new Signal<this, void>(this);
  private _edited = new Signal<this, void>(this);
}
