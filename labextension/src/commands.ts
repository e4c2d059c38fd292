import type { ICommandPalette } from '@jupyterlab/apputils';
import type { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import type { ILauncher } from '@jupyterlab/launcher';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import type { RunActions } from './actions';
import type { DetailTab, IContext } from './context';
import { flotillaIcon } from './icons';
import { insertMagic, MAGIC, offerToLoadMagic } from './magic';
import { isOpen } from './query';
import type { What } from './wire';

/** What commands need beside the context; null where the application has no such thing. */
export interface IParts {
  actions: RunActions;
  files: IFileBrowserFactory | null;
  palette: ICommandPalette | null;
  launcher: ILauncher | null;
}

const LAUNCHED = /\.(ipynb|py)$/;

/** Return the notebook that is open, relative to the server's root; empty: none. */
export function currentNotebook(context: IContext): string {
  const path = context.notebooks?.currentWidget?.context.path ?? '';
  // a drive, as of real-time collaboration, is no part of it
  return context.app.serviceManager.contents.localPath(path);
}

function selectedFile(parts: IParts, context: IContext): string | null {
  const browser = parts.files?.tracker.currentWidget;
  for (const item of browser?.selectedItems() ?? []) {
    if (item.type !== 'directory' && LAUNCHED.test(item.path)) {
      return context.app.serviceManager.contents.localPath(item.path);
    }
  }
  return null;
}

/** Add all commands, and show them where they are looked for. */
export function addCommands(context: IContext, parts: IParts): void {
  addLaunchCommands(context, parts);
  addRunCommands(context, parts.actions);
  followNotebooks(context);
  const { commands } = context.app;
  const { trans, open, model } = context;
  commands.addCommand('flotilla:show', {
    label: trans.__('Show Runs'),
    caption: trans.__('Show the runs of Flotilla'),
    icon: flotillaIcon,
    execute: () => open.runs()
  });
  commands.addCommand('flotilla:show-schedules', {
    label: trans.__('Show Schedules'),
    caption: trans.__('Show what Flotilla runs again and again'),
    icon: flotillaIcon,
    execute: () => open.schedules()
  });
  commands.addCommand('flotilla:refresh', {
    label: trans.__('Refresh Runs'),
    execute: () => model.retryNow()
  });
  const category = trans.__('Flotilla');
  for (const command of [
    'flotilla:show',
    'flotilla:refresh',
    'flotilla:launch',
    'flotilla:launch-notebook',
    'flotilla:schedule',
    'flotilla:show-schedules',
    'flotilla:insert-magic'
  ]) {
    parts.palette?.addItem({ command, category });
  }
  parts.launcher?.add({ command: 'flotilla:launch', category: trans.__('Other'), rank: 20 });
}

function addLaunchCommands(context: IContext, parts: IParts): void {
  const { commands } = context.app;
  const { trans, open, notebooks } = context;
  commands.addCommand('flotilla:launch', {
    label: args => (args['isLauncher'] ? trans.__('Flotilla Run') : trans.__('Launch a Run…')),
    caption: trans.__('Launch a notebook, a script or a command as a batch job'),
    icon: flotillaIcon,
    execute: args => {
      const path = args['path'];
      open.launch(typeof path === 'string' ? { kind: 'file', path } : undefined);
    }
  });
  commands.addCommand('flotilla:launch-notebook', {
    label: args => (args['toolbar'] ? '' : trans.__('Run This Notebook on Flotilla…')),
    caption: trans.__('Run on Flotilla'),
    icon: flotillaIcon,
    isEnabled: () => currentNotebook(context) !== '',
    execute: () => {
      const path = currentNotebook(context);
      open.launch(path ? { kind: 'file', path } : undefined);
    }
  });
  commands.addCommand('flotilla:schedule', {
    label: trans.__('Schedule a Run…'),
    caption: trans.__('Run a notebook or a script again and again'),
    icon: flotillaIcon,
    execute: args => {
      const path = args['path'];
      open.schedule(typeof path === 'string' ? { kind: 'file', path } : undefined);
    }
  });
  commands.addCommand('flotilla:launch-file', {
    label: trans.__('Run on Flotilla…'),
    icon: flotillaIcon,
    isVisible: () => selectedFile(parts, context) !== null,
    execute: () => {
      const path = selectedFile(parts, context);
      open.launch(path ? { kind: 'file', path } : undefined);
    }
  });
  commands.addCommand('flotilla:insert-magic', {
    label: args => (args['toolbar'] ? '' : trans.__('Run This Cell on Flotilla')),
    caption: trans.__('Run on Flotilla: put %1 at the top of this cell', MAGIC),
    icon: flotillaIcon,
    isEnabled: () => notebooks?.activeCell?.model.type === 'code',
    isVisible: () => notebooks?.activeCell?.model.type === 'code',
    execute: () => {
      if (notebooks?.currentWidget && insertMagic(notebooks.activeCell?.model)) {
        offerToLoadMagic(notebooks.currentWidget.content, trans);
        notebooks.activeCell?.editor?.focus();
      }
    }
  });
}

/** Have buttons and menus look again whether what they do is possible. */
function followNotebooks({ app, notebooks }: IContext): void {
  notebooks?.currentChanged.connect(() => {
    app.commands.notifyCommandChanged('flotilla:launch-notebook');
    app.commands.notifyCommandChanged('flotilla:insert-magic');
  });
  notebooks?.activeCellChanged.connect(() => {
    app.commands.notifyCommandChanged('flotilla:insert-magic');
  });
}

/** Commands about one run: its id is their argument `id`. */
function addRunCommands(context: IContext, actions: RunActions): void {
  const { commands } = context.app;
  const { trans, open } = context;
  const idOf = (args: ReadonlyPartialJSONObject) => String(args['id'] ?? '');
  const isGoingOn = (args: ReadonlyPartialJSONObject) => {
    const run = actions.find(args['id']);
    return run !== undefined && isOpen(run);
  };
  commands.addCommand('flotilla:open-logs', {
    label: trans.__('Logs'),
    execute: args => open.run(idOf(args), 'logs' satisfies DetailTab)
  });
  commands.addCommand('flotilla:cancel-run', {
    label: trans.__('Cancel…'),
    isEnabled: isGoingOn,
    execute: args => actions.cancel(idOf(args))
  });
  commands.addCommand('flotilla:retry-run', {
    label: trans.__('Retry…'),
    execute: args => actions.retry(idOf(args))
  });
  commands.addCommand('flotilla:retry-with-changes', {
    label: trans.__('Retry with Changes…'),
    execute: args => open.launch({ kind: 'retry', run: idOf(args) } satisfies What)
  });
  commands.addCommand('flotilla:copy-run-id', {
    label: trans.__('Copy Id'),
    execute: args => actions.copyId(idOf(args))
  });
}
