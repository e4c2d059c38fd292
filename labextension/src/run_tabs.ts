import type { ILayoutRestorer, JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import type { DetailTab, IContext } from './context';
import { RunDetailWidget } from './detail';
import { flotillaIcon } from './icons';

/** Ids of runs, as far as they could ever be made: what a stored layout holds is checked. */
const RUN_ID = /^[A-Za-z0-9_-]{1,64}$/;

/** Add a tab where there is room for it: Notebook 7 has one document a page. */
function addTab(app: JupyterFrontEnd, widget: MainAreaWidget<RunDetailWidget>): void {
  if (app.name === 'Jupyter Notebook') {
    widget.content.node.style.minHeight = '300px';
    app.shell.add(widget, 'down');
  } else {
    app.shell.add(widget, 'main');
  }
}

/** Add `flotilla:open-run`, which opens the tab of a run; open tabs come back on a reload. */
export function addRunTabs(context: IContext, restorer: ILayoutRestorer | null): void {
  const { app, trans } = context;
  const tracker = new WidgetTracker<MainAreaWidget<RunDetailWidget>>({ namespace: 'flotilla-run' });
  const make = (id: string, tab: DetailTab | undefined) => {
    const content = new RunDetailWidget(context, id, tab);
    const widget = new MainAreaWidget({ content });
    widget.id = `flotilla-run-${id}`;
    return widget;
  };
  app.commands.addCommand('flotilla:open-run', {
    label: trans.__('Open'),
    icon: flotillaIcon,
    execute: async args => {
      const id = String(args['id'] ?? '');
      if (!RUN_ID.test(id)) {
        throw new Error(`${JSON.stringify(id)} is no id of a run`);
      }
      const tab = args['tab'] as DetailTab | undefined;
      let widget = tracker.find(open => open.content.runId === id);
      if (widget === undefined) {
        widget = make(id, tab);
        await tracker.add(widget);
      } else if (tab) {
        widget.content.openTab(tab);
      }
      if (!widget.isAttached) {
        addTab(app, widget);
      }
      app.shell.activateById(widget.id);
      return widget;
    }
  });
  void restorer?.restore(tracker, {
    command: 'flotilla:open-run',
    args: widget => ({ id: widget.content.runId }),
    name: widget => widget.content.runId
  });
}
