import {
  formatBytes,
  formatCost,
  formatDuration,
  formatMemory,
  formatMoney,
  statusText
} from '../format';
import { costUsd, durationS } from '../row';
import { aRun, aRunningRun, trans } from './fakes';

// The same amounts are written the same way by jupyter_flotilla/model/units.py.
describe('formatDuration', () => {
  it.each([
    [0, '0s'],
    [0.3, '0.3s'],
    [4, '4s'],
    [59.4, '59s'],
    [151, '2m31s'],
    [600, '10m'],
    [7260, '2h01m'],
    [90_000, '1d01h'],
    [-5, '0s']
  ])('writes %d seconds as %s', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });

  it.each([
    [0.9, '0s'],
    [600, '10m00s'],
    [3599.9, '59m59s']
  ])('writes %d growing seconds as %s', (seconds, text) => {
    expect(formatDuration(seconds, true)).toBe(text);
  });
});

describe('formatMoney', () => {
  it.each([
    [0, '$0.00'],
    [0.00001, '<$0.0001'],
    [0.00123, '$0.0012'],
    [0.0999, '$0.10'],
    [0.5, '$0.50'],
    [12.345, '$12.35'],
    [1234.5, '$1,234.50']
  ])('writes %d dollars as %s', (usd, text) => {
    expect(formatMoney(usd)).toBe(text);
  });
});

describe('formatCost', () => {
  it('says where nobody pays', () => {
    expect(formatCost(aRun({ is_billed: false }), 0.5)).toBe('≈$0.50');
  });

  it('says nothing where the price is unknown', () => {
    expect(formatCost(aRun(), null)).toBe('');
  });
});

describe('sizes', () => {
  it('are written with their unit', () => {
    expect([formatMemory(300), formatMemory(1536), formatMemory(16384)]).toEqual([
      '300 M',
      '1.5 G',
      '16 G'
    ]);
    expect([formatBytes(0), formatBytes(812), formatBytes(4_200_000)]).toEqual([
      '0 B',
      '812 B',
      '4.2 MB'
    ]);
  });
});

describe('statusText', () => {
  it('says how a run failed', () => {
    const run = aRun({ status: 'FAILED', failure_kind: 'out-of-memory' });
    expect(statusText(run, trans)).toBe('failed: out of memory');
  });

  it('says that a run is being cancelled', () => {
    const run = aRunningRun({ cancel_requested_at: '2026-11-26T09:00:00Z' });
    expect(statusText(run, trans)).toBe('running, being cancelled');
  });
});

describe('what grows', () => {
  const run = aRunningRun({ cost_usd: 1, started_at: '2026-11-26T10:00:00Z' });
  const asOf = Date.parse('2026-11-26T10:00:10Z');

  it('is the cost of a running run', () => {
    expect(costUsd({ run, asOf }, asOf + 5000)).toBeCloseTo(1.005);
  });

  it('never falls, even where clocks differ', () => {
    expect(costUsd({ run, asOf }, asOf - 5000)).toBe(1);
    expect(durationS(run, asOf - 60_000)).toBe(0);
  });

  it('is not the cost of a run that has ended', () => {
    expect(costUsd({ run: aRun({ cost_usd: 1, usd_per_h: 3.6 }), asOf }, asOf + 5000)).toBe(1);
  });
});
