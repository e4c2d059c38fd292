/** Forms, engines and plans, as tests need them. */
import { nullTranslator } from '@jupyterlab/translation';
import type { IEngine, IForm, IOption, IParameter, IPlan } from '../../wire';

export const trans = nullTranslator.load('jupyter_flotilla');

/** The legal sizes of a small Fargate. */
export const SIZES = [
  { cpu: 1, memory_mib: [2048, 3072, 4096, 8192] },
  { cpu: 2, memory_mib: [4096, 8192, 16384] },
  { cpu: 4, memory_mib: [8192, 16384, 30720] }
];

export function anEngine(fields: Partial<IEngine> = {}): IEngine {
  return {
    name: 'process',
    ok: true,
    message: 'jobs run as processes of here',
    next: null,
    bills: false,
    is_default: true,
    is_here: true,
    sizes: null,
    honours: [],
    default: { cpu: 1, memory_mib: null, gpu: 0, spot: false, arch: 'x86_64', disk_gib: null },
    ...fields
  };
}

export function anEcs(fields: Partial<IEngine> = {}): IEngine {
  return anEngine({
    name: 'ecs',
    bills: true,
    is_default: false,
    is_here: false,
    sizes: SIZES,
    honours: ['spot', 'gpu', 'image', 'with_'],
    default: { ...anEngine().default, memory_mib: 4096 },
    ...fields
  });
}

export function anOption(keyword: string, fields: Partial<IOption> = {}): IOption {
  return {
    name: keyword,
    keyword,
    field: keyword,
    label: keyword,
    metavar: 'WHAT',
    help: 'Some help.',
    group: 'labels',
    alias: null,
    repeats: false,
    is_flag: false,
    is_of_some: false,
    ...fields
  };
}

/** Options of every kind, in the order of the option table. */
export const OPTIONS: IOption[] = [
  anOption('cpu', { group: 'resources', metavar: 'N' }),
  anOption('memory', { group: 'resources', metavar: 'SIZE' }),
  anOption('gpu', { group: 'resources', metavar: 'N', is_of_some: true }),
  anOption('spot', { group: 'resources', is_flag: true, is_of_some: true }),
  anOption('image', { group: 'image', is_of_some: true }),
  anOption('with_', { name: 'with', group: 'image', repeats: true, is_of_some: true }),
  anOption('timeout', { group: 'limits', metavar: 'TIME', help: 'Stop it. [default: never]' }),
  anOption('max_cost', { name: 'max-cost', group: 'limits', metavar: 'USD' }),
  anOption('retries', { group: 'limits', metavar: 'N' }),
  anOption('params', { name: 'param', group: 'inputs', repeats: true }),
  anOption('env', { group: 'inputs', repeats: true }),
  anOption('name'),
  anOption('engine'),
  anOption('profile'),
  anOption('grid', { group: 'grid', repeats: true }),
  anOption('max_parallel', { name: 'max-parallel', group: 'grid', metavar: 'N' })
];

export function aParameter(name: string, type: string | null, value: unknown = null): IParameter {
  return {
    name,
    type,
    default: value,
    default_text: String(value),
    help: ''
  } as IParameter;
}

export function aForm(fields: Partial<IForm> = {}): IForm {
  return {
    engines: [anEngine(), anEcs()],
    options: OPTIONS,
    schedule_options: [],
    parameters: [aParameter('alpha', 'int', 1), aParameter('rate', 'float', 0.1)],
    profiles: ['big'],
    defaults: {},
    ...fields
  };
}

export function aPlan(fields: Partial<IPlan> = {}): IPlan {
  return {
    name: 'train',
    engine: 'process',
    place: 'here',
    resources: anEngine().default,
    timeout_s: null,
    usd_per_h: 0.05826,
    is_hypothetical: true,
    ceiling_usd: null,
    runs: 1,
    expected: null,
    notes: [],
    asks: [],
    packages: [],
    files: [],
    month_usd: 0,
    monthly_budget_usd: null,
    recommendation: null,
    commands: { magic: '%flotilla run a.ipynb', cli: 'jupyter flotilla run a.ipynb', python: '' },
    ...fields
  };
}
