import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { FlotillaApi } from '../api';
import type { IContext } from '../context';
import { isolated } from '../format';
import type { IRunDetail, Options } from '../wire';
import { RetryFields } from './components/RetryFields';

/** Ask what a retry should have otherwise; null: it was not wanted after all. */
export async function askForChanges(
  context: IContext,
  detail: IRunDetail,
  before: Options,
  problem: string
): Promise<Options | null> {
  const { trans, api } = context;
  const body = new RetryBody(detail, { ...before }, problem, api, trans);
  const answer = await showDialog({
    title: trans.__('Retry %1 with changes', isolated(detail.name)),
    body,
    focusNodeSelector: 'input[name="memory"]',
    buttons: [Dialog.cancelButton(), Dialog.okButton({ label: trans.__('Retry') })]
  });
  return answer.button.accept ? answer.value : null;
}

/** The fields of the dialog; only what was changed is sent. */
class RetryBody extends ReactWidget implements Dialog.IBodyWidget<Options> {
  constructor(
    private _detail: IRunDetail,
    private _changes: Options,
    private _problem: string,
    private _api: FlotillaApi,
    private _trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-Flotilla-retry');
  }

  getValue(): Options {
    return this._changes;
  }

  protected render(): JSX.Element {
    return (
      <RetryFields
        detail={this._detail}
        begin={this._changes}
        problem={this._problem}
        api={this._api}
        onChange={changes => {
          this._changes = changes;
        }}
        trans={this._trans}
      />
    );
  }
}
