import type { TranslationBundle } from '@jupyterlab/translation';
import type { KeyboardEvent } from 'react';
import { formatCount } from '../../format';
import type { IFound } from './search_model';

/** What can be done with a log. */
export interface ILogActions {
  search(text: string): void;
  step(by: 1 | -1): void;
  toStart(): void;
  toEnd(): void;
  toError(): void;
  follow(isOn: boolean): void;
  wrap(isOn: boolean): void;
  copy(): void;
  download(): void;
}

/** Return how many places were found, and which one is shown. */
export function foundText(found: IFound, trans: TranslationBundle): string {
  const { seqs, current, isSearching, isCut, text, error } = found;
  if (error) {
    return error.message;
  }
  if (!text) {
    return '';
  }
  if (seqs.length === 0) {
    return isSearching ? trans.__('Searching…') : trans.__('Not found');
  }
  const total = formatCount(seqs.length) + (isSearching || isCut ? '+' : '');
  return trans.__('%1 of %2', formatCount(current + 1), total);
}

/** The bar above a log. */
export function LogBar(props: {
  found: IFound;
  text: string;
  isFollowing: boolean;
  isGrowing: boolean;
  isWrapped: boolean;
  actions: ILogActions;
  trans: TranslationBundle;
}): JSX.Element {
  const { found, text, isFollowing, isGrowing, isWrapped, actions, trans } = props;
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter') {
      actions.step(event.shiftKey ? -1 : 1);
    } else if (event.key === 'Escape' && text) {
      event.stopPropagation();
      actions.search('');
    }
  };
  const button = (label: string, onClick: () => void, isDisabled = false, glyph?: string) => (
    <button
      type="button"
      className="jp-Flotilla-chip"
      disabled={isDisabled}
      title={glyph ? label : undefined}
      aria-label={glyph ? label : undefined}
      onClick={onClick}
    >
      {glyph ?? label}
    </button>
  );
  const toggle = (label: string, isOn: boolean, onToggle: (isOn: boolean) => void) => (
    <button
      type="button"
      className="jp-Flotilla-chip"
      aria-pressed={isOn}
      onClick={() => onToggle(!isOn)}
    >
      {label}
    </button>
  );
  const hasNone = found.seqs.length === 0;
  return (
    <div className="jp-Flotilla-logBar">
      <div className="jp-Flotilla-logSearch">
        <input
          type="search"
          className="jp-Flotilla-search"
          placeholder={trans.__('Search the log')}
          aria-label={trans.__('Search the log')}
          maxLength={300}
          value={text}
          onChange={event => actions.search(event.target.value)}
          onKeyDown={onKeyDown}
        />
        <span className="jp-Flotilla-found" role="status">
          {foundText(found, trans)}
        </span>
        {button(trans.__('Previous place'), () => actions.step(-1), hasNone, '↑')}
        {button(trans.__('Next place'), () => actions.step(1), hasNone, '↓')}
      </div>
      <div className="jp-Flotilla-chips" role="group" aria-label={trans.__('Log')}>
        {button(trans.__('Start'), actions.toStart)}
        {button(trans.__('End'), actions.toEnd)}
        {button(trans.__('Go to error'), actions.toError)}
        {isGrowing && toggle(trans.__('Follow'), isFollowing, actions.follow)}
        {toggle(trans.__('Wrap'), isWrapped, actions.wrap)}
        {button(trans.__('Copy'), actions.copy)}
        {button(trans.__('Download'), actions.download)}
      </div>
    </div>
  );
}
