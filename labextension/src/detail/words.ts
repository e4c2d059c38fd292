import type { TranslationBundle } from '@jupyterlab/translation';
import { formatMemory } from '../format';
import type { IResources } from '../wire';

/** Return what a job has, in words: `4 vCPU · 16 G · spot`. */
export function resourcesText(resources: IResources, trans: TranslationBundle): string {
  const { cpu, memory_mib, gpu, spot, disk_gib } = resources;
  const parts = [
    trans.__('%1 vCPU', cpu),
    memory_mib === null ? '' : formatMemory(memory_mib),
    gpu ? trans.__('%1 GPU', gpu) : '',
    disk_gib ? trans.__('%1 G disk', disk_gib) : '',
    spot ? trans.__('spot') : ''
  ];
  return parts.filter(Boolean).join(' · ');
}

/** Return a word of the engine's, such as `waiting-for-capacity`, as people write it. */
export function phaseText(phase: string): string {
  return phase.replace(/-/g, ' ');
}
