import type { IForm, IRunDetail, Json } from '../wire';
import { sizeText } from './sizes';

/** Return seconds as the server reads durations. */
export function durationText(seconds: number): string {
  return seconds % 3600 === 0
    ? `${seconds / 3600}h`
    : seconds % 60 === 0
      ? `${seconds / 60}m`
      : `${seconds}s`;
}

/**
 * Return what the options are where nobody changes them, for a run that is launched again: what
 * they were for that run.
 */
export function defaultsOfRun(run: IRunDetail): IForm['defaults'] {
  const { engine, resources, spec, short_id } = run;
  const { cpu, memory_mib, gpu, spot, arch, disk_gib } = resources;
  const timeoutS = spec['timeout_s'];
  const values: { [keyword: string]: Json } = {
    engine,
    cpu,
    memory: memory_mib === null ? null : sizeText(memory_mib),
    gpu: gpu || null,
    spot: spot || null,
    arch,
    disk: disk_gib === null ? null : `${disk_gib}G`,
    timeout: typeof timeoutS === 'number' ? durationText(timeoutS) : null
  };
  const known = Object.entries(values).filter(([, value]) => value !== null);
  return Object.fromEntries(
    known.map(([keyword, value]) => [keyword, { value, source: short_id }])
  );
}
