import { expect, test } from 'vitest';
import type { PublisherStatistics } from '../../publisher';
import { qualityOf } from './quality';

function measured(change: Partial<PublisherStatistics> = {}): PublisherStatistics {
  return {
    bitsPerSecond: 2_000_000,
    framesPerSecond: 30,
    width: 1280,
    height: 720,
    rttMs: 20,
    lost: 0,
    limitedBy: 'none',
    codec: 'H264',
    ...change,
  };
}

test.each([
  ['all is well', {}, 'good', 'none'],
  ['no answer yet about the way', { rttMs: null }, 'good', 'none'],
  ['some packets get lost', { lost: 0.03 }, 'fair', 'loss'],
  ['many packets get lost', { lost: 0.2 }, 'poor', 'loss'],
  ['answers come late', { rttMs: 300 }, 'fair', 'delay'],
  ['the upload is narrow', { limitedBy: 'bandwidth' }, 'fair', 'bandwidth'],
  ['the computer is slow', { limitedBy: 'cpu', framesPerSecond: 6 }, 'poor', 'cpu'],
  ['the worst comes first', { rttMs: 300, lost: 0.2 }, 'poor', 'loss'],
] as const)('%s', (_, change, grade, cause) => {
  expect(qualityOf(measured(change))).toEqual({ grade, cause });
});
