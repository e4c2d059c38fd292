import type { KeyboardEvent } from 'react';
import { useRef } from 'react';

/** One of several rooms, of which one is open. */
export interface ITab {
  key: string;
  label: string;
}

const STEPS: { readonly [key: string]: (at: number, count: number) => number } = {
  ArrowRight: (at, count) => (at + 1) % count,
  ArrowLeft: (at, count) => (at - 1 + count) % count,
  Home: () => 0,
  End: (_, count) => count - 1
};

/** A row of tabs: arrow keys go from one to the next, Tab goes on into the room. */
export function Tabs(props: {
  id: string;
  label: string;
  tabs: readonly ITab[];
  open: string;
  onOpen: (key: string) => void;
}): JSX.Element {
  const { id, label, tabs, open, onOpen } = props;
  const list = useRef<HTMLDivElement>(null);
  const onKeyDown = (event: KeyboardEvent) => {
    const step = STEPS[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    event.preventDefault();
    const at = step(tabs.findIndex(tab => tab.key === open), tabs.length);
    onOpen(tabs[at].key);
    (list.current?.children[at] as HTMLElement | undefined)?.focus();
  };
  return (
    <div
      className="jp-Flotilla-tabs"
      role="tablist"
      aria-label={label}
      ref={list}
      onKeyDown={onKeyDown}
    >
      {tabs.map(tab => (
        <button
          key={tab.key}
          type="button"
          role="tab"
          id={`${id}-tab-${tab.key}`}
          className="jp-Flotilla-tab"
          aria-selected={tab.key === open}
          aria-controls={tab.key === open ? `${id}-panel` : undefined}
          tabIndex={tab.key === open ? 0 : -1}
          onClick={() => onOpen(tab.key)}
        >
          {tab.label}
        </button>
      ))}
    </div>
  );
}
