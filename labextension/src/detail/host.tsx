import type { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import { createContext, useContext } from 'react';

/** What the application draws outputs and code with, for all that is in a tab. */
export interface IHost {
  /** Null while it is looked up, and where the application has none. */
  rendermime: IRenderMimeRegistry | null;
  languages: IEditorLanguageRegistry | null;
  trans: TranslationBundle;
}

export const HostContext = createContext<IHost | null>(null);

/** Return what the application draws with. */
export function useHost(): IHost {
  const host = useContext(HostContext);
  if (host === null) {
    throw new Error('this is drawn outside of the tab of a run');
  }
  return host;
}
