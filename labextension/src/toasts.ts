import { Notification } from '@jupyterlab/apputils';
import type { IContext } from './context';
import { isolated, statusText } from './format';
import { isOpen } from './query';
import type { ITransition } from './transitions';
import type { IRun } from './wire';

/** More ends than this at once are told in one. */
const MOST = 3;
const SHOWN_MS = 8000;

/** Tell, by a notification, when a run of the user's ends while they look at something else. */
export class Toasts {
  constructor(private _context: IContext) {
    _context.model.moved.connect((_, transitions) => this._onMoved(transitions));
  }

  /** False: stay silent. */
  isOn = true;

  private _onMoved(transitions: readonly ITransition[]): void {
    const { owner } = this._context.model.snapshot().subject;
    const ended = transitions
      .map(transition => transition.run)
      .filter(run => run.owner === owner && !isOpen(run) && run.status !== 'CANCELLED');
    if (!this.isOn || !ended.length) {
      return;
    }
    if (ended.length > MOST) {
      this._tellMany(ended);
    } else {
      ended.forEach(run => this._tellOne(run));
    }
  }

  private _tellOne(run: IRun): void {
    const { trans, open } = this._context;
    const message = `${isolated(run.name)}: ${statusText(run, trans)}`;
    const actions = [{ label: trans.__('Open'), callback: () => open.run(run.id) }];
    if (run.status === 'SUCCEEDED') {
      Notification.success(message, { actions, autoClose: SHOWN_MS });
    } else {
      Notification.error(message, { actions, autoClose: SHOWN_MS });
    }
  }

  private _tellMany(ended: readonly IRun[]): void {
    const { trans, open } = this._context;
    const failed = ended.filter(run => run.status === 'FAILED').length;
    const message = trans.__(
      '%1 runs have ended: %2 succeeded, %3 failed',
      ended.length,
      ended.length - failed,
      failed
    );
    const actions = [{ label: trans.__('Show'), callback: () => open.runs() }];
    const tell = failed ? Notification.warning : Notification.success;
    tell(message, { actions, autoClose: SHOWN_MS });
  }
}
