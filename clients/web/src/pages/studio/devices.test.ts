import { expect, test } from 'vitest';
import { deviceProblem } from './device-problem';
import { loudness } from './sound-level';

test.each([
  ['NotAllowedError', 'denied'],
  ['NotFoundError', 'missing'],
  ['OverconstrainedError', 'missing'],
  ['NotReadableError', 'busy'],
  ['SomethingNewError', 'unknown'],
])('%s is told as %s', (name, problem) => {
  expect(deviceProblem(new DOMException('', name), true)).toBe(problem);
});

test('without a secure page nothing else matters', () => {
  expect(deviceProblem(new TypeError('no mediaDevices'), false)).toBe('insecure');
});

test('silence has no level, full scale has all of it', () => {
  expect(loudness(new Float32Array(16))).toBe(0);
  expect(loudness(new Float32Array(16).fill(1))).toBe(1);
});

test('a thousandth of the amplitude is where the scale begins', () => {
  expect(loudness(new Float32Array(16).fill(0.001))).toBeCloseTo(0);
});
