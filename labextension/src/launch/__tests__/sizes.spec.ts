import { legalMemory, legalSize, nearest, parseSize, sizeText } from '../sizes';
import { SIZES } from './samples';

describe('sizes', () => {
  it.each([
    ['16G', 16384],
    ['16GiB', 16384],
    [' 1.5 g ', 1536],
    ['512M', 512],
    ['1k', 1],
    ['0.5T', 524288],
    ['16', null],
    ['G', null],
    ['-1G', null]
  ])('reads %j as the server does', (text, mib) => {
    expect(parseSize(text)).toBe(mib);
  });

  it('are written so that they are read as the same', () => {
    for (const mib of [512, 1536, 16384]) {
      expect(parseSize(sizeText(mib))).toBe(mib);
    }
  });

  it('offer only the memory that the vCPU allow', () => {
    expect(legalMemory(SIZES, 2)).toEqual([4096, 8192, 16384]);
    expect(legalMemory(SIZES, 3)).toEqual([]);
  });

  it.each([
    [5000, 4096],
    [6144, 8192],
    [1, 2048],
    [99999, 8192]
  ])('have as the nearest to %d MiB %d', (wish, legal) => {
    expect(nearest([2048, 3072, 4096, 8192], wish)).toBe(legal);
  });

  it('keep the memory where it stays legal when the vCPU change, else take the nearest', () => {
    expect(legalSize(SIZES, { cpu: 2, memory_mib: 8192 })).toEqual({ cpu: 2, memory_mib: 8192 });
    expect(legalSize(SIZES, { cpu: 4, memory_mib: 2048 })).toEqual({ cpu: 4, memory_mib: 8192 });
    expect(legalSize(SIZES, { cpu: 1, memory_mib: 30720 })).toEqual({ cpu: 1, memory_mib: 8192 });
    expect(legalSize(SIZES, { cpu: 64, memory_mib: 0 })).toEqual({ cpu: 4, memory_mib: 8192 });
  });
});
