import type { IEngine } from '../wire';

/** Legal memory for each number of vCPU. */
export type Sizes = NonNullable<IEngine['sizes']>;

const MIB: { [unit: string]: number } = { k: 2 ** -10, m: 1, g: 2 ** 10, t: 2 ** 20 };

/** Return a size in MiB, rounded up, read as the server does; null: it is none. */
export function parseSize(text: string): number | null {
  const found = /^(\d{1,15}(?:\.\d{1,15})?)\s*([kmgt])(?:i?b)?$/i.exec(text.trim());
  return found && Math.ceil(Number(found[1]) * MIB[found[2].toLowerCase()]);
}

/** Return a size as people write it: `16G`, `512M`. */
export function sizeText(mib: number): string {
  return mib % 1024 === 0 ? `${mib / 1024}G` : `${mib}M`;
}

/** Return the value next to a wish; of two that are equally near the larger one. */
export function nearest(values: readonly number[], wish: number): number {
  return values.reduce((best, value) => {
    const nearer = Math.abs(value - wish) - Math.abs(best - wish);
    return nearer < 0 || (nearer === 0 && value > best) ? value : best;
  });
}

/** Return the memory that a number of vCPU may have, smallest first. */
export function legalMemory(sizes: Sizes, cpu: number): number[] {
  return sizes.find(one => one.cpu === cpu)?.memory_mib ?? [];
}

/** Return the legal size next to what is wished. */
export function legalSize(
  sizes: Sizes,
  wish: { cpu: number; memory_mib: number }
): { cpu: number; memory_mib: number } {
  const cpus = sizes.map(one => one.cpu);
  const cpu = nearest(cpus, wish.cpu);
  return { cpu, memory_mib: nearest(legalMemory(sizes, cpu), wish.memory_mib) };
}
