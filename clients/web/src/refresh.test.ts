import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { keepFresh } from './refresh';

let hidden = false;
let seen: (() => void) | null = null;

beforeEach(() => {
  vi.useFakeTimers();
  hidden = false;
  vi.stubGlobal('document', {
    get hidden() {
      return hidden;
    },
    addEventListener: (_type: string, listener: () => void) => (seen = listener),
    removeEventListener: () => (seen = null),
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('looks at once and again after each wait', async () => {
  const work = vi.fn(async () => undefined);
  const stop = keepFresh(work, () => 1000);
  await vi.advanceTimersByTimeAsync(2500);
  expect(work).toHaveBeenCalledTimes(3);
  stop();
});

test('rests in the background and looks again when seen', async () => {
  const work = vi.fn(async () => undefined);
  const stop = keepFresh(work, () => 1000);
  await vi.advanceTimersByTimeAsync(0);
  hidden = true;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(work).toHaveBeenCalledTimes(1);
  hidden = false;
  seen?.();
  await vi.advanceTimersByTimeAsync(0);
  expect(work).toHaveBeenCalledTimes(2);
  stop();
});

test('an endless wait means that it is done', async () => {
  const work = vi.fn(async () => undefined);
  const stop = keepFresh(work, () => Infinity);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(work).toHaveBeenCalledTimes(1);
  stop();
});

test('nothing happens after its end', async () => {
  const work = vi.fn(async () => undefined);
  const stop = keepFresh(work, () => 1000);
  await vi.advanceTimersByTimeAsync(0);
  stop();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(work).toHaveBeenCalledTimes(1);
  expect(seen).toBeNull();
});
