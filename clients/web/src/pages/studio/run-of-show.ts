/** Whose turn it is in a show, and whose it will be. */
import type { Segment } from '../../api';

export interface Cues {
  onAir: Segment | null;
  next: Segment | null;
  /** Agreed parts after the next one. */
  later: Segment[];
  /** Requests that the host has not answered. */
  open: number;
}

/**
 * Sorts a show's segments by what they mean now; `onAir` is the room's word, which comes first.
 *
 * `nowMs` is null before the show: its start moves what it is late for.
 */
export function cues(
  segments: readonly Segment[],
  onAir: string | null,
  nowMs: number | null,
): Cues {
  const coming = segments
    .filter((one) => one.state === 'confirmed' && one.segment !== onAir)
    .filter((one) => nowMs === null || one.ends_ms > nowMs)
    .sort((one, other) => one.starts_ms - other.starts_ms);
  return {
    onAir: segments.find((one) => one.segment === onAir) ?? null,
    next: coming[0] ?? null,
    later: coming.slice(1),
    open: segments.filter((one) => one.may.accept).length,
  };
}
