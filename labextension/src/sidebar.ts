import { SidePanel } from '@jupyterlab/ui-components';
import type { AccordionPanel, Widget } from '@lumino/widgets';
import type { RunActions } from './actions';
import type { IContext } from './context';
import { CostsWidget } from './costs';
import { formatCount } from './format';
import { flotillaIcon } from './icons';
import { LaunchWidget } from './launch';
import { RunsWidget } from './runs_widget';
import { SchedulesWidget } from './schedules';

/** The sections of the sidebar, from top to bottom. */
const SECTIONS = ['runs', 'launch', 'schedules', 'costs'] as const;
export type Section = (typeof SECTIONS)[number];

/** Flotilla's sidebar: its runs, the launch form, the schedules and the costs. */
export class FlotillaSidebar extends SidePanel {
  constructor(context: IContext, actions: RunActions) {
    super();
    const { trans } = context;
    this.id = 'jupyter-flotilla:sidebar';
    this.title.icon = flotillaIcon;
    this.title.caption = trans.__('Flotilla (Alt+Shift+F)');
    this.addClass('jp-Flotilla-sidebar');
    this.runs = new RunsWidget(context, actions);
    this.launch = new LaunchWidget(context);
    this.schedules = new SchedulesWidget(context);
    this.costs = new CostsWidget(context);
    this._nameRuns(context);
    context.model.changed.connect(() => this._nameRuns(context));
    this.launch.title.label = trans.__('Launch');
    this.schedules.title.label = trans.__('Schedules');
    this.costs.title.label = trans.__('Costs');
    this._sections.forEach((section, index) => {
      this.addWidget(section);
      if (section !== this.runs) {
        this._accordion.collapse(index);
      }
    });
    this._accordion.expansionToggled.connect((_, index) => this._giveRoom(index));
  }

  readonly runs: RunsWidget;
  readonly launch: LaunchWidget;
  readonly schedules: SchedulesWidget;
  readonly costs: CostsWidget;

  /** Open a section; all but the runs need all the room that there is. */
  reveal(section: Section): void {
    this._sections.forEach((widget, index) => {
      if (widget === this[section]) {
        this._accordion.expand(index);
      } else if (section !== 'runs') {
        this._accordion.collapse(index);
      }
    });
  }

  /** Say in the title of the runs how many run. */
  private _nameRuns({ model, trans }: IContext): void {
    const running = model.snapshot().status?.counts['RUNNING'] ?? 0;
    this.runs.title.label = running
      ? trans.__('Runs (%1 running)', formatCount(running))
      : trans.__('Runs');
  }

  /** Share the height where a section was opened: Lumino would give a new one nothing. */
  private _giveRoom(index: number): void {
    const sections = this._sections;
    if (!sections[index].isHidden) {
      const sizes = sections.map((one, at) => (one.isHidden ? 0 : at === index ? 2 : 1));
      this._accordion.setRelativeSizes(sizes);
    }
  }

  private get _sections(): Widget[] {
    return SECTIONS.map(name => this[name]);
  }

  private get _accordion(): AccordionPanel {
    return this.content as AccordionPanel;
  }
}
