/** Why a camera or microphone could not be had, in the few ways that a host can do something about. */
export type DeviceProblem = 'denied' | 'missing' | 'busy' | 'lost' | 'insecure' | 'unknown';

const KNOWN: Readonly<Record<string, DeviceProblem>> = {
  NotAllowedError: 'denied',
  SecurityError: 'denied',
  NotFoundError: 'missing',
  OverconstrainedError: 'missing',
  NotReadableError: 'busy',
  AbortError: 'busy',
};

/** Reads what `getUserMedia` threw; without a secure page there is no such function at all. */
export function deviceProblem(
  error: unknown,
  isSecure = globalThis.isSecureContext,
): DeviceProblem {
  if (!isSecure) return 'insecure';
  const name = error instanceof Error || error instanceof DOMException ? error.name : '';
  return KNOWN[name] ?? 'unknown';
}
