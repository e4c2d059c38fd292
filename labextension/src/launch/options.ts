import type { IEngine, IForm, IOption, Json, Options } from '../wire';
import { legalSize, parseSize, sizeText } from './sizes';
import type { IWishes } from './wishes';

/** Options that have fields of their own. */
const WITH_OWN_FIELD = new Set(['engine', 'params', 'profile', 'cpu', 'memory', 'grid', 'points']);

/** Values of options that have few; what else one of them takes can be typed. */
const CHOICES: { readonly [keyword: string]: readonly string[] } = {
  arch: ['x86_64', 'arm64'],
  missed: ['skip', 'last', 'all'],
  overlap: ['skip', 'queue', 'replace', 'allow']
};
const SUGGESTIONS: { readonly [keyword: string]: readonly string[] } = {
  on_oom: ['fail', 'double', 'double:64G'],
  deps: ['auto', 'lock', 'freeze', 'none'],
  network: ['none']
};

/** Where in the form an option has its field. */
export type Part = 'resources' | 'limits' | 'grid' | 'more';

export type Control = 'flag' | 'lines' | 'choice' | 'text';

/** Return by which kind of field an option is asked for. */
export function controlOf(option: IOption): Control {
  if (option.is_flag) {
    return 'flag';
  }
  return option.repeats ? 'lines' : option.keyword in CHOICES ? 'choice' : 'text';
}

/** Return the values to choose from, where there is such a list; empty: there is none. */
export function choicesOf(option: IOption): readonly string[] {
  return CHOICES[option.keyword] ?? [];
}

/** Return values that are often wanted. */
export function suggestionsOf(option: IOption): readonly string[] {
  return SUGGESTIONS[option.keyword] ?? [];
}

/** Return what an option is by itself, as its help says; empty: it says nothing. */
export function usualText(option: IOption): string {
  return /\[default: ([^\]]+)\]/.exec(option.help)?.[1] ?? '';
}

function partOf(option: IOption): Part {
  const { group } = option;
  return group === 'resources' || group === 'limits' || group === 'grid' ? group : 'more';
}

/** Return the options that an engine honours and that have no field of their own, in order. */
export function optionsOf(form: IForm, engine: IEngine | null, part: Part): IOption[] {
  const shown = form.options.filter(
    option =>
      partOf(option) === part &&
      !WITH_OWN_FIELD.has(option.keyword) &&
      (!option.is_of_some || engine?.honours.includes(option.keyword))
  );
  // what a run is called comes before what it is made of
  return part === 'more'
    ? [
        ...shown.filter(option => option.group === 'labels'),
        ...shown.filter(option => option.group !== 'labels')
      ]
    : shown;
}

/** Return the engine that would run it: the wished, else the configured, else any that can. */
export function engineOf(form: IForm, wishes: IWishes): IEngine | null {
  const { engines } = form;
  const usual = form.defaults['engine']?.value;
  return (
    engines.find(one => one.name === wishes.engine) ??
    engines.find(one => one.name === usual) ??
    engines.find(one => one.is_default) ??
    engines.find(one => one.ok) ??
    null
  );
}

/** A size as its two fields show it. */
export interface ISize {
  cpu: number;
  memory_mib: number;
}

/** Say whether a job's size must be one of a list: a machine with GPUs may have any. */
export function hasLegalSizes(engine: IEngine | null, wishes: IWishes): boolean {
  return Boolean(engine?.sizes?.length) && !(Number(wishes.options['gpu'] ?? 0) > 0);
}

/** Return the legal size that is shown: next to what is wished, else to the default. */
export function sizeOf(form: IForm, engine: IEngine, wishes: IWishes): ISize {
  const usual = engine.default;
  const wished = (keyword: string) => wishes.options[keyword] ?? form.defaults[keyword]?.value;
  const memory = parseSize(String(wished('memory') ?? ''));
  return legalSize(engine.sizes ?? [], {
    cpu: Number(wished('cpu') ?? usual.cpu) || usual.cpu,
    memory_mib: memory ?? usual.memory_mib ?? 0
  });
}

function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map(line => line.trim())
    .filter(Boolean);
}

function valueOf(option: IOption, wish: string | boolean): Json | undefined {
  if (typeof wish === 'boolean') {
    return option.is_flag ? wish : undefined;
  }
  if (option.repeats) {
    const lines = linesOf(wish);
    return lines.length ? lines : undefined;
  }
  const text = wish.trim();
  const isNumber = ['N', 'USD'].includes(option.metavar) && /^\d+(\.\d+)?$/.test(text);
  return text === '' ? undefined : isNumber ? Number(text) : text;
}

/** Return what was wished of options, as it is sent: only what the engine honours. */
export function readOptions(form: IForm, engine: IEngine | null, wishes: IWishes): Options {
  const sent: Options = {};
  if (wishes.engine !== null) {
    sent.engine = wishes.engine;
  }
  const profile = wishes.options['profile'];
  if (typeof profile === 'string' && form.profiles.includes(profile)) {
    sent.profile = profile;
  }
  Object.assign(sent, readSize(form, engine, wishes));
  for (const part of ['resources', 'limits', 'more'] as const) {
    Object.assign(sent, readPart(form, engine, wishes, part));
  }
  return sent;
}

/** Return what was wished of the options of one part. */
export function readPart(
  form: IForm,
  engine: IEngine | null,
  wishes: IWishes,
  part: Part
): Options {
  const sent: Options = {};
  for (const option of optionsOf(form, engine, part)) {
    const wish = wishes.options[option.keyword];
    const value = wish === undefined ? undefined : valueOf(option, wish);
    if (value !== undefined) {
      sent[option.keyword] = value;
    }
  }
  return sent;
}

function readSize(form: IForm, engine: IEngine | null, wishes: IWishes): Options {
  const { cpu, memory } = wishes.options;
  if (cpu === undefined && memory === undefined) {
    return {};
  }
  if (engine !== null && hasLegalSizes(engine, wishes)) {
    const size = sizeOf(form, engine, wishes);
    return { cpu: size.cpu, memory: sizeText(size.memory_mib) };
  }
  const sent: Options = {};
  if (cpu !== undefined) {
    sent.cpu = /^\d+(\.\d+)?$/.test(String(cpu).trim()) ? Number(cpu) : cpu;
  }
  if (memory !== undefined) {
    sent.memory = memory;
  }
  return sent;
}
