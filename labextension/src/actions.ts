import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Clipboard, Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { asFlotillaError, FlotillaError } from './api';
import { isolated, statusText } from './format';
import { isOpen } from './query';
import type { RunsModel } from './runs';
import type { IRun } from './wire';

/** Show what went wrong and what to do, and let whoever called go on. */
export function reportError(thrown: unknown): void {
  const { message, next } = asFlotillaError(thrown);
  Notification.error(next ? `${message}\n${next}` : message, { autoClose: 8000 });
}

/** What is done to a run from here, each with its questions; none of them throws. */
export class RunActions {
  constructor(
    private _app: JupyterFrontEnd,
    private _model: RunsModel,
    private _trans: TranslationBundle
  ) {}

  /** The run that a command means, as last seen. */
  find(id: unknown): IRun | undefined {
    return typeof id === 'string' ? this._model.find(id) : undefined;
  }

  /** Ask, then cancel. */
  async cancel(id: string): Promise<void> {
    if (await this.confirmCancel(id)) {
      await this._take(this._model.api.cancel(id));
    }
  }

  /** Ask whether to cancel; no, where it has ended meanwhile. */
  async confirmCancel(id: string): Promise<boolean> {
    const run = this.find(id);
    if (run && !isOpen(run)) {
      Notification.info(
        this._trans.__('%1 has ended: %2.', isolated(run.name), statusText(run, this._trans)),
        { autoClose: 3000 }
      );
      return false;
    }
    const answer = await showDialog({
      title: this._trans.__('Cancel %1?', isolated(run?.name ?? id)),
      body: this._trans.__('It is stopped; what it has written so far is kept.'),
      buttons: [
        Dialog.cancelButton({ label: this._trans.__('Leave it') }),
        Dialog.warnButton({ label: this._trans.__('Cancel run') })
      ]
    });
    return answer.button.accept;
  }

  /** Cancel at once: whoever calls has asked. */
  async cancelNow(id: string): Promise<void> {
    await this._take(this._model.api.cancel(id));
  }

  /** Ask whether to repeat a run as it was or with changes. */
  async retry(id: string): Promise<void> {
    const trans = this._trans;
    const run = this.find(id);
    const answer = await showDialog({
      title: trans.__('Retry %1?', isolated(run?.name ?? id)),
      body: trans.__('A new run of what was launched then: same source, same files.'),
      buttons: [
        Dialog.cancelButton(),
        Dialog.okButton({ label: trans.__('With changes…'), actions: ['change'] }),
        Dialog.okButton({ label: trans.__('Retry') })
      ],
      defaultButton: 2
    });
    if (answer.button.actions.includes('change')) {
      await this._app.commands.execute('flotilla:retry-with-changes', { id });
    } else if (answer.button.accept) {
      await this._retryAsItWas(id);
    }
  }

  /** Put the id where it can be pasted from. */
  copyId(id: string): void {
    Clipboard.copyToSystem(id);
    Notification.info(this._trans.__('Copied %1', id), { autoClose: 1500 });
  }

  private async _retryAsItWas(id: string): Promise<void> {
    const { api } = this._model;
    try {
      this._model.take(await api.retry(id, {}, true));
    } catch (thrown) {
      if (!(thrown instanceof FlotillaError) || thrown.code !== 'refused') {
        reportError(thrown);
        return;
      }
      if (await this.agree(thrown)) {
        await this._take(api.retry(id, {}, false));
      }
    }
  }

  /** Ask for the consent without which something was refused. */
  async agree(refusal: FlotillaError): Promise<boolean> {
    const answer = await showDialog({
      title: this._trans.__('Launch it?'),
      body: refusal.message,
      buttons: [
        Dialog.cancelButton(),
        Dialog.okButton({ label: this._trans.__('Agree and launch') })
      ]
    });
    return answer.button.accept;
  }

  private async _take(answer: Promise<IRun>): Promise<void> {
    try {
      this._model.take(await answer);
    } catch (thrown) {
      reportError(thrown);
    }
  }
}
