import type { TranslationBundle } from '@jupyterlab/translation';
import { HTMLSelect } from '@jupyterlab/ui-components';
import type { RefObject } from 'react';
import { formatCount } from '../format';
import type { IFilters, ISubject } from '../query';
import { SORTS } from '../query';
import type { SortKey } from '../wire';
import { Chips } from './Chips';

export interface IRunsBarProps {
  filters: IFilters;
  subject: ISubject;
  total: number;
  isLoading: boolean;
  /** Where `/` goes. */
  search: RefObject<HTMLInputElement>;
  onChange: (changes: Partial<IFilters>) => void;
  /** Escape in the search, when there is nothing to clear. */
  onLeave: () => void;
  trans: TranslationBundle;
}

type Toggle = 'mine' | 'failed' | 'running' | 'thisNotebook';

function sortWord(sort: SortKey, trans: TranslationBundle): string {
  switch (sort) {
    case 'name':
      return trans.__('Name');
    case 'status':
      return trans.__('Status');
    case 'duration':
      return trans.__('Longest');
    case 'cost':
      return trans.__('Costliest');
    default:
      return trans.__('Newest');
  }
}

/** Search, filters, order and the number of runs, above the list. */
export function RunsBar(props: IRunsBarProps): JSX.Element {
  const { filters, subject, total, isLoading, search, onChange, onLeave, trans } = props;
  const chips = [
    { key: 'mine', label: trans.__('mine'), title: trans.__('Only runs that are yours') },
    { key: 'failed', label: trans.__('failed'), title: trans.__('Only runs that have failed') },
    {
      key: 'running',
      label: trans.__('running'),
      title: trans.__('Only runs that run, or wait to')
    },
    {
      key: 'thisNotebook',
      label: trans.__('this notebook'),
      title: subject.notebook
        ? trans.__('Only runs of %1', subject.notebook)
        : trans.__('Open a notebook to see only its runs'),
      isDisabled: !subject.notebook && !filters.thisNotebook
    }
  ].map(chip => ({ ...chip, isOn: filters[chip.key as Toggle] }));
  return (
    <div className="jp-Flotilla-bar">
      <input
        ref={search}
        type="search"
        className="jp-Flotilla-search"
        placeholder={trans.__('Search runs')}
        aria-label={trans.__('Search runs by name, path, id, owner or message')}
        title={trans.__('Name, path, id, owner or message ( / )')}
        value={filters.text}
        maxLength={200}
        spellCheck={false}
        onChange={event => onChange({ text: event.target.value })}
        onKeyDown={event => {
          if (event.key === 'Escape' && filters.text) {
            onChange({ text: '' });
          } else if (event.key === 'Escape' || event.key === 'ArrowDown' || event.key === 'Enter') {
            onLeave();
          } else {
            return;
          }
          event.preventDefault();
          event.stopPropagation();
        }}
      />
      <Chips
        label={trans.__('Filters')}
        chips={chips}
        onToggle={key => onChange({ [key]: !filters[key as Toggle] })}
      />
      <div className="jp-Flotilla-counts">
        <span className="jp-Flotilla-total" aria-busy={isLoading}>
          {trans._n('%2 run', '%2 runs', total, formatCount(total))}
        </span>
        <HTMLSelect
          className="jp-Flotilla-sort"
          aria-label={trans.__('Order')}
          value={filters.sort}
          onChange={event => onChange({ sort: event.target.value as SortKey })}
          options={SORTS.map(sort => ({ value: sort, label: sortWord(sort, trans) }))}
        />
      </div>
    </div>
  );
}
