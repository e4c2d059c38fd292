import type { JupyterFrontEnd } from '@jupyterlab/application';
import { StateDB } from '@jupyterlab/statedb';
import { CommandRegistry } from '@lumino/commands';
import { FlotillaApi } from '../api';
import plugins, { IFlotilla } from '../index';
import { keepFilters } from '../kept';
import { runningSessions } from '../running';
import { RunsModel } from '../runs';
import { aPage, aRunningRun, aStatus, FakeServer, settle } from './fakes';

function serverOfOne(): FakeServer {
  return new FakeServer(path =>
    path.startsWith('status') ? { json: aStatus() } : { json: aPage([aRunningRun()]) }
  );
}

/** An application that has nothing but a shell. */
function bareApp(server: FakeServer): JupyterFrontEnd {
  const shell = { add: jest.fn(), activateById: jest.fn(), currentWidget: null };
  const serviceManager = {
    serverSettings: server.settings,
    contents: { localPath: (path: string) => path }
  };
  const restored = Promise.resolve();
  const app = { name: 'Bare', commands: new CommandRegistry(), shell, serviceManager, restored };
  return app as unknown as JupyterFrontEnd;
}

describe('the plugins', () => {
  it('work in an application that has none of what they could use', async () => {
    const app = bareApp(serverOfOne());
    let flotilla: unknown;
    for (const plugin of plugins) {
      const required = (plugin.requires ?? []).map(() => flotilla);
      const optional = (plugin.optional ?? []).map(() => null);
      const provided = await plugin.activate(app, ...required, ...optional);
      flotilla = plugin.provides ? provided : flotilla;
    }
    await settle();

    const { context } = flotilla as IFlotilla;
    expect(context.model.snapshot().total).toBe(1);
    expect(app.shell.add).toHaveBeenCalledWith(
      expect.objectContaining({ id: 'jupyter-flotilla:sidebar' }),
      'left',
      expect.anything()
    );
    await app.commands.execute('flotilla:insert-magic');
    await app.commands.execute('flotilla:launch');
    await app.commands.execute('flotilla:open-run', { id: 'r000000000001' });
    expect(app.shell.activateById).toHaveBeenLastCalledWith('flotilla-run-r000000000001');
    context.model.dispose();
  });

  it.each(['../../etc', '<img>', '', 'r'.repeat(65)])('open no run of the id %j', async id => {
    const app = bareApp(serverOfOne());
    const [main] = plugins;
    const { context } = (await main.activate(
      app,
      ...(main.optional ?? []).map(() => null)
    )) as IFlotilla;

    await expect(app.commands.execute('flotilla:open-run', { id })).rejects.toThrow('no id');
    context.model.dispose();
  });
});

describe('keepFilters', () => {
  it('brings back over a reload what was set before', async () => {
    const state = new StateDB();
    const model = new RunsModel(new FlotillaApi(serverOfOne().settings));
    await keepFilters(model, state);

    model.setFilters({ mine: true, text: 'embed' });
    await settle();
    const other = new RunsModel(new FlotillaApi(serverOfOne().settings));

    expect(await keepFilters(other, state)).toMatchObject({ mine: true, text: 'embed' });
    model.dispose();
    other.dispose();
  });
});

describe('runningSessions', () => {
  it('list what goes on, and cancel what is shut down', async () => {
    const server = serverOfOne();
    const model = new RunsModel(new FlotillaApi(server.settings));
    await model.start();
    const actions = { cancelNow: jest.fn() };
    const open = { run: jest.fn() };
    const manager = runningSessions(
      { model, open, trans: { __: (text: string) => text } } as never,
      actions as never
    );

    const [item] = manager.running({ mode: 'list' });
    item.open?.();
    item.shutdown?.();

    expect(item.label()).toBe('train');
    expect(open.run).toHaveBeenCalledWith('r000000000001');
    expect(actions.cancelNow).toHaveBeenCalledWith('r000000000001');
    model.dispose();
  });
});
