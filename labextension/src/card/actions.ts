import type { RunActions } from '../actions';
import { asFlotillaError } from '../api';
import type { IContext } from '../context';
import type { Options } from '../wire';

/** What is done to a run from its card, each with its questions; all throw a FlotillaError. */
export class CardActions {
  constructor(
    private _context: IContext,
    private _runs: RunActions
  ) {}

  /** Ask, then cancel; of one that is being cancelled, do not wait for its end any more. */
  cancel = async (id: string, isHarder: boolean): Promise<void> => {
    const { api, model } = this._context;
    if (isHarder || (await this._runs.confirmCancel(id))) {
      model.take(await api.cancel(id, isHarder ? 0 : undefined));
    }
  };

  /** Let the cell that waits go on; the run goes on as well. */
  detach = async (id: string): Promise<void> => {
    const { api, model } = this._context;
    model.take(await api.detach(id));
  };

  /** Launch it again, with changes; what needs consent is asked. */
  retry = async (id: string, options: Options): Promise<void> => {
    const { api, model } = this._context;
    try {
      model.take(await api.retry(id, options, true));
    } catch (thrown) {
      const refusal = asFlotillaError(thrown);
      if (refusal.code !== 'refused') {
        throw refusal;
      }
      if (await this._runs.agree(refusal)) {
        model.take(await api.retry(id, options, false));
      }
    }
  };

  open = (id: string): void => this._context.open.run(id);
}
