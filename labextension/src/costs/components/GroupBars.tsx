import type { TranslationBundle } from '@jupyterlab/translation';
import { useState } from 'react';
import { formatMoney } from '../../format';
import type { IGroup } from '../groups';
import { barsOf } from '../groups';
import type { By } from '../model';

/** Groups that are shown until one asks for all. */
const FIRST = 6;

function nameOf(group: string, by: By, trans: TranslationBundle): string {
  if (by === 'tag') {
    return group;
  }
  return group === '-' ? trans.__('no file') : (group.split(/[\\/]/).pop() ?? group);
}

function amounts(group: IGroup): string {
  const { billedUsd, unbilledUsd } = group;
  const billed = billedUsd || !unbilledUsd ? [formatMoney(billedUsd)] : [];
  return [...billed, ...(unbilledUsd ? [`≈${formatMoney(unbilledUsd)}`] : [])].join(' + ');
}

/** What each notebook, or tag, has cost, as bars of one scale. */
export function GroupBars(props: {
  groups: readonly IGroup[];
  by: By;
  trans: TranslationBundle;
}): JSX.Element {
  const { groups, by, trans } = props;
  const [isWhole, setIsWhole] = useState(false);
  const shown = isWhole ? groups : groups.slice(0, FIRST);
  const bars = barsOf(shown);
  return (
    <>
      <ul className="jp-Flotilla-bars">
        {shown.map((group, at) => (
          <li key={group.group} title={group.group}>
            <bdi className="jp-Flotilla-barName">{nameOf(group.group, by, trans)}</bdi>
            <span className="jp-Flotilla-amount">{amounts(group)}</span>
            <span className="jp-Flotilla-barTrack" aria-hidden="true">
              <span data-billed="true" style={{ width: `${bars[at].billed * 100}%` }} />
              <span style={{ width: `${bars[at].unbilled * 100}%` }} />
            </span>
            <span className="jp-Flotilla-small">
              {trans._n('%1 run', '%1 runs', group.runs)}
              {group.failedUsd > 0 &&
                ` · ${trans.__('%1 for failed attempts', formatMoney(group.failedUsd))}`}
            </span>
          </li>
        ))}
      </ul>
      {groups.length > FIRST && (
        <button type="button" className="jp-Flotilla-plain" onClick={() => setIsWhole(!isWhole)}>
          {isWhole ? trans.__('Show fewer') : trans.__('Show all %1', groups.length)}
        </button>
      )}
    </>
  );
}
