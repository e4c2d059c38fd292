import { Clipboard, Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { KeyboardEvent } from 'react';
import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import { reportError } from '../../actions';
import { ErrorNote } from '../../components/ErrorNote';
import type { Visibility } from '../visible';
import { stripAnsi } from './ansi';
import type { ICollected } from './download';
import { collectLine, collectLog, recordText, save } from './download';
import type { ITextLine, Line } from './lines';
import type { ILogActions } from './LogBar';
import { LogBar } from './LogBar';
import type { LogModel } from './log_model';
import { LogView } from './LogView';
import { NOT_SEARCHED, SearchModel } from './search_model';

/** How long to wait for the next letter of a search. */
const TYPING_MS = 250;

/** Return what is loaded as text. */
export function plainText(lines: readonly Line[]): string {
  return lines
    .map(line => (line.type === 'text' ? stripAnsi(line.text) : recordText(line.record).trimEnd()))
    .join('\n');
}

function saved(collected: Promise<ICollected>, name: string, trans: TranslationBundle): void {
  collected.then(({ parts, isCut }) => {
    save(parts, name);
    if (isCut) {
      Notification.warning(
        trans.__('It is too long for a browser: the rest is in `jupyter flotilla logs`.')
      );
    }
  }, reportError);
}

/** What one attempt has said. */
export function LogRoom(props: {
  model: LogModel;
  visibility: Visibility;
  /** The attempt goes on, so there may be more. */
  isGrowing: boolean;
  trans: TranslationBundle;
}): JSX.Element {
  const { model, visibility, isGrowing, trans } = props;
  const { api, runId, attempt } = model;
  const shown = useSyncExternalStore(model.subscribe, model.snapshot);
  const isVisible = useSyncExternalStore(visibility.subscribe, visibility.get);
  const [found, setFound] = useState(NOT_SEARCHED);
  const [text, setText] = useState('');
  const [isWrapped, setWrapped] = useState(false);
  const search = useMemo(() => new SearchModel(api, runId, attempt, setFound), [model]);
  useEffect(() => () => search.dispose(), [search]);
  useEffect(() => {
    model.setVisible(isVisible);
    return () => model.setVisible(false);
  }, [model, isVisible]);
  useEffect(() => {
    const from = model.anchor?.seq ?? 0;
    const timer = window.setTimeout(() => void search.search(text, from), text ? TYPING_MS : 0);
    return () => window.clearTimeout(timer);
  }, [model, search, text]);
  const place = found.current >= 0 ? found.seqs[found.current] : null;
  useEffect(() => {
    if (place !== null) {
      void model.to(place, found.text);
    }
  }, [model, place, found.text]);

  const toError = async () => {
    try {
      const seq = await search.lastError();
      if (seq === null) {
        Notification.info(trans.__('It has raised no error that was noted.'), { autoClose: 3000 });
      } else {
        await model.to(seq, '');
      }
    } catch (thrown) {
      reportError(thrown);
    }
  };
  const actions: ILogActions = {
    search: setText,
    step: by => {
      const seq = search.step(by);
      if (seq !== null) {
        void model.to(seq, found.text);
      }
    },
    toStart: () => void model.toStart(),
    toEnd: () => void model.toEnd(isGrowing),
    toError: () => void toError(),
    follow: isOn => model.setFollowing(isOn),
    wrap: setWrapped,
    copy: () => {
      Clipboard.copyToSystem(plainText(shown.lines));
      Notification.info(trans.__('Copied the part of the log that is loaded'), { autoClose: 2000 });
    },
    download: () => saved(collectLog(api, runId, attempt), `${runId}-${attempt}.log`, trans)
  };
  const onDownload = (line: ITextLine) =>
    saved(collectLine(api, runId, attempt, line), `${runId}-line.txt`, trans);
  const room = useRef<HTMLDivElement>(null);
  const onKeyDown = (event: KeyboardEvent) => {
    const isTyped = event.target instanceof HTMLInputElement;
    if (event.key === '/' && !isTyped && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      room.current?.querySelector('input')?.focus();
    }
  };
  const isEmpty = shown.hasLoaded && shown.lines.length === 0;
  return (
    <div className="jp-Flotilla-logRoom" ref={room} onKeyDown={onKeyDown}>
      <LogBar
        found={found}
        text={text}
        isFollowing={shown.isFollowing}
        isGrowing={isGrowing}
        isWrapped={isWrapped}
        actions={actions}
        trans={trans}
      />
      {shown.error && <ErrorNote error={shown.error} onRetry={() => model.retry()} trans={trans} />}
      {isEmpty && (
        <p className="jp-Flotilla-loading">
          {shown.isOver ? trans.__('It has said nothing.') : trans.__('It has said nothing yet.')}
        </p>
      )}
      {!shown.hasLoaded && !shown.error && (
        <p className="jp-Flotilla-loading">{trans.__('Loading…')}</p>
      )}
      <LogView
        key={attempt}
        model={model}
        shown={shown}
        search={found.text}
        isWrapped={isWrapped}
        isGrowing={isGrowing}
        onDownload={onDownload}
        trans={trans}
      />
      {shown.isStalled && (
        <p className="jp-Flotilla-note" data-kind="info">
          {trans.__('A line goes on and on.')}{' '}
          <button type="button" className="jp-Flotilla-link" onClick={() => model.goOn()}>
            {trans.__('Load what follows')}
          </button>
        </p>
      )}
    </div>
  );
}
