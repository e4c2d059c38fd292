import type { TranslationBundle } from '@jupyterlab/translation';
import { useSyncExternalStore } from 'react';
import { Chips } from '../../components/Chips';
import { EmptyNote } from '../../components/EmptyNote';
import { ErrorNote } from '../../components/ErrorNote';
import type { RunsModel } from '../../runs';
import type { By, CostsModel } from '../model';
import type { Range } from '../range';
import { RANGES } from '../range';
import { GroupBars } from './GroupBars';
import { Leaders } from './Leaders';
import { Spent } from './Spent';
import { Totals } from './Totals';

export interface ICostsSectionProps {
  costs: CostsModel;
  runs: RunsModel;
  onOpen: (id: string) => void;
  onLaunch: () => void;
  trans: TranslationBundle;
}

function rangeWord(range: Range, trans: TranslationBundle): string {
  switch (range) {
    case 'today':
      return trans.__('today');
    case 'week':
      return trans.__('7 days');
    case 'month':
      return trans.__('this month');
    default:
      return trans.__('all');
  }
}

/** What runs have cost: in all, by notebook and tag, and by those that took most. */
export function CostsSection(props: ICostsSectionProps): JSX.Element {
  const { costs, runs, onOpen, onLaunch, trans } = props;
  const shown = useSyncExternalStore(costs.subscribe, costs.snapshot);
  // of all that changes while runs go on only this is shown
  const status = useSyncExternalStore(runs.subscribe, () => runs.snapshot().status);
  const { range, by, groups, totals, waste, isLoading, error } = shown;
  const byWords: { [by in By]: string } = {
    notebook: trans.__('by notebook'),
    tag: trans.__('by tag')
  };
  const empty =
    range === 'all'
      ? {
          text: trans.__('No run has ended yet.'),
          action: trans.__('Launch a run…'),
          onAction: onLaunch
        }
      : {
          text: trans.__('No run has ended in this time.'),
          action: trans.__('Show all'),
          onAction: () => costs.setRange('all')
        };
  const noTags = by === 'tag' && !isLoading && groups.length === 0;
  return (
    <div className="jp-Flotilla-costsBody" aria-busy={isLoading}>
      {status && <Spent status={status} trans={trans} />}
      <Chips
        label={trans.__('Time')}
        chips={RANGES.map(key => ({
          key,
          label: rangeWord(key, trans),
          title: trans.__('Runs that ended then; days begin at midnight in UTC'),
          isOn: key === range
        }))}
        onToggle={key => costs.setRange(key as Range)}
      />
      {error && <ErrorNote error={error} onRetry={() => void costs.reload()} trans={trans} />}
      {!totals && isLoading && <p className="jp-Flotilla-loading">{trans.__('Loading…')}</p>}
      {totals && totals.runs === 0 && !error && (
        <EmptyNote {...empty} />
      )}
      {totals && totals.runs > 0 && (
        <>
          <Totals totals={totals} trans={trans} />
          <section>
            <Chips
              label={trans.__('Groups')}
              chips={(['notebook', 'tag'] as const).map(key => ({
                key,
                label: byWords[key],
                title: '',
                isOn: key === by
              }))}
              onToggle={key => costs.setBy(key as By)}
            />
            {noTags && (
              <p className="jp-Flotilla-small">{trans.__('None of these runs has a tag.')}</p>
            )}
            <GroupBars groups={groups} by={by} trans={trans} />
          </section>
          <Leaders
            title={trans.__('Most expensive')}
            leaders={waste?.expensive ?? []}
            none={trans.__('No run has cost anything.')}
            onOpen={onOpen}
            trans={trans}
          />
          <Leaders
            title={trans.__('Most wasteful')}
            leaders={waste?.wasteful ?? []}
            none={trans.__('Nothing was wasted: no failed attempts, no memory left unused.')}
            onOpen={onOpen}
            trans={trans}
          />
        </>
      )}
    </div>
  );
}
