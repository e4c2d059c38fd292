import type { TranslationBundle } from '@jupyterlab/translation';
import { HTMLSelect } from '@jupyterlab/ui-components';

/** Which attempt is looked at; nothing where there is only one. */
export function AttemptSelect(props: {
  count: number;
  /** Undefined: whichever is the latest. */
  chosen: number | undefined;
  onChoose: (attempt: number | undefined) => void;
  trans: TranslationBundle;
}): JSX.Element | null {
  const { count, chosen, onChoose, trans } = props;
  if (count < 2) {
    return null;
  }
  return (
    <label className="jp-Flotilla-attemptSelect">
      {trans.__('Attempt')}
      <HTMLSelect
        aria-label={trans.__('Attempt')}
        value={String(chosen ?? count)}
        onChange={event => {
          const attempt = Number(event.target.value);
          onChoose(attempt === count ? undefined : attempt);
        }}
      >
        {Array.from({ length: count }, (_, at) => (
          <option key={at + 1} value={at + 1}>
            {at + 1 === count ? trans.__('%1 (latest)', count) : at + 1}
          </option>
        ))}
      </HTMLSelect>
    </label>
  );
}
