import type { TranslationBundle } from '@jupyterlab/translation';
import type { IRunDetail, Json } from '../wire';

/** Return what is said of an event beside its name: `attempt: 2, reason: lost`. */
export function detailText(detail: Json): string {
  if (detail === null || typeof detail !== 'object') {
    return detail === null ? '' : String(detail);
  }
  const entries = Object.entries(detail).filter(([, value]) => value !== null && value !== '');
  return entries
    .map(([name, value]) => {
      const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
      return `${name.replace(/_/g, ' ')}: ${text}`;
    })
    .join(' · ');
}

/** What has happened to a run, in order. */
export function EventsRoom(props: { detail: IRunDetail; trans: TranslationBundle }): JSX.Element {
  const { detail, trans } = props;
  if (detail.events.length === 0) {
    return <p className="jp-Flotilla-loading">{trans.__('Nothing has happened yet.')}</p>;
  }
  return (
    <ol className="jp-Flotilla-events" aria-label={trans.__('Events')}>
      {detail.events.map(event => {
        const at = new Date(event.at);
        return (
          <li key={event.seq} data-name={event.name}>
            <time dateTime={event.at} title={event.at}>
              {at.toLocaleDateString()} {at.toLocaleTimeString()}
            </time>
            <strong>{event.name.toLowerCase().replace(/[-_]/g, ' ').replace('→', ' → ')}</strong>
            <span>{detailText(event.detail)}</span>
          </li>
        );
      })}
    </ol>
  );
}
