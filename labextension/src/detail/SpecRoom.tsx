import type { TranslationBundle } from '@jupyterlab/translation';
import { formatDuration, formatMemory, formatMoney } from '../format';
import type { IResources, IRunDetail, Json } from '../wire';
import { resourcesText } from './words';

/** Fields in the order in which they are told; others follow by name. */
const ORDER = [
  'kind', 'name', 'path', 'command', 'cwd', 'engine', 'place', 'resources', 'timeout_s',
  'max_cost_usd', 'retries', 'kernel', 'kernelspec', 'interpreter', 'image', 'parameters', 'tags'
];

function isNothing(value: Json): boolean {
  return (
    value === null ||
    value === '' ||
    value === false ||
    (typeof value === 'object' && Object.keys(value).length === 0)
  );
}

/** Return a field of a job as people read it. */
export function fieldText(name: string, value: Json, trans: TranslationBundle): string {
  if (name === 'resources') {
    return resourcesText(value as unknown as IResources, trans);
  }
  if (typeof value === 'number') {
    if (name.endsWith('_s')) {
      return formatDuration(value);
    }
    if (name.endsWith('_usd')) {
      return formatMoney(value);
    }
    return name.endsWith('_mib') ? formatMemory(value) : String(value);
  }
  if (value === true) {
    return trans.__('yes');
  }
  if (Array.isArray(value) && value.every(one => typeof one !== 'object')) {
    return value.join(' ');
  }
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
    return Object.entries(value)
      .filter(([, one]) => !isNothing(one))
      .map(([key, one]) => `${key}: ${fieldText(key, one, trans)}`)
      .join('\n');
  }
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Return what a job says of itself, what says nothing left out. */
export function fieldsOf(spec: IRunDetail['spec']): [string, Json][] {
  const known = ORDER.filter(name => name in spec);
  const others = Object.keys(spec).filter(name => !ORDER.includes(name)).sort();
  return [...known, ...others]
    .map((name): [string, Json] => [name, spec[name]])
    .filter(([, value]) => !isNothing(value));
}

/** What was asked for, as it was frozen. */
export function SpecRoom(props: { detail: IRunDetail; trans: TranslationBundle }): JSX.Element {
  const { detail, trans } = props;
  return (
    <div className="jp-Flotilla-spec">
      <dl className="jp-Flotilla-facts">
        {fieldsOf(detail.spec).map(([name, value]) => (
          <div key={name}>
            <dt>{name.replace(/_(s|usd|mib)$/, '').replace(/_/g, ' ')}</dt>
            <dd>
              <bdi>{fieldText(name, value, trans).slice(0, 5000)}</bdi>
            </dd>
          </div>
        ))}
      </dl>
      <details>
        <summary>{trans.__('As JSON')}</summary>
        <pre className="jp-Flotilla-code" tabIndex={0}>
          {JSON.stringify(detail.spec, null, 2)}
        </pre>
      </details>
    </div>
  );
}
