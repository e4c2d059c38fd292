import type { TranslationBundle } from '@jupyterlab/translation';
import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import { ErrorNote } from '../../components/ErrorNote';
import { formatCount } from '../../format';
import type { IExecutedNotebook } from '../../wire';
import type { Polled } from '../polled';
import { usePolled } from '../use_polled';
import type { Visibility } from '../visible';
import { cellsOf, failedCellOf, languageOf } from './cells';
import { CellView } from './CellView';

/** Cells that are drawn at once; the next ones when one comes near them. */
const CHUNK = 30;

/** The executed notebook, as far as it is; read-only. */
export function NotebookRoom(props: {
  model: Polled<IExecutedNotebook>;
  visibility: Visibility;
  /** It may still change. */
  isGrowing: boolean;
  /** Opens the file that was submitted; null: it is not in the server's folder. */
  onOpenFile: (() => void) | null;
  trans: TranslationBundle;
}): JSX.Element {
  const { model, visibility, isGrowing, onOpenFile, trans } = props;
  usePolled(model, isGrowing, visibility);
  const { value, error, isLoading } = useSyncExternalStore(model.subscribe, model.snapshot);
  const cells = cellsOf(value);
  const failedCell = useMemo(() => failedCellOf(cells), [value]);
  const language = languageOf(value);
  const room = useRef<HTMLDivElement>(null);
  const [most, setMost] = useState(CHUNK);
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = end.current;
    if (!element) {
      return;
    }
    const watcher = new IntersectionObserver(
      seen => seen.some(one => one.isIntersecting) && setMost(before => before + CHUNK),
      { rootMargin: '600px' }
    );
    watcher.observe(element);
    return () => watcher.disconnect();
  }, [most, cells.length]);
  const toFailed = () => {
    setMost(before => Math.max(before, (failedCell ?? 0) + 1));
    window.setTimeout(() => {
      room.current?.querySelector('[data-failed]')?.scrollIntoView({ block: 'start' });
    });
  };
  if (value === null) {
    const isNone = error?.status === 404;
    return error && !isNone ? (
      <ErrorNote error={error} onRetry={() => void model.refresh()} trans={trans} />
    ) : (
      <p className="jp-Flotilla-loading">
        {isLoading || !error ? trans.__('Loading…') : error.message}
      </p>
    );
  }
  return (
    <div className="jp-Flotilla-notebook" ref={room}>
      <div className="jp-Flotilla-roomBar">
        <span>
          {trans._n('%1 cell', '%1 cells', cells.length)}
          {isGrowing && ` · ${trans.__('live')}`}
          {` · ${trans.__('read-only')}`}
        </span>
        {failedCell !== null && (
          <button type="button" className="jp-Flotilla-chip" onClick={toFailed}>
            {trans.__('Go to the failed cell')}
          </button>
        )}
        {onOpenFile && (
          <button type="button" className="jp-Flotilla-chip" onClick={onOpenFile}>
            {trans.__('Open as file')}
          </button>
        )}
      </div>
      {error && <ErrorNote error={error} onRetry={() => void model.refresh()} trans={trans} />}
      {cells.slice(0, most).map((cell, at) => (
        <CellView
          key={at}
          raw={cell}
          number={at + 1}
          language={language}
          isFailed={failedCell === at}
        />
      ))}
      {cells.length > most && (
        <div className="jp-Flotilla-loading" ref={end}>
          {trans.__('%1 more cells', formatCount(cells.length - most))}
        </div>
      )}
    </div>
  );
}
