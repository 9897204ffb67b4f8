/** How good the way to the media server is, from what the browser measures of it. */
import type { PublisherStatistics } from '../../publisher';

export type Grade = 'good' | 'fair' | 'poor';
export type Cause = 'none' | 'loss' | 'delay' | 'bandwidth' | 'cpu';

export interface Quality {
  grade: Grade;
  /** What a host can do something about, the worst first. */
  cause: Cause;
}

const LOSS = { fair: 0.02, poor: 0.08 };
const RTT_MS = { fair: 250, poor: 600 };
const FRAMES_PER_SECOND = { fair: 20, poor: 10 };

export function qualityOf(measured: PublisherStatistics): Quality {
  const loss = above(measured.lost, LOSS);
  const delay = above(measured.rttMs ?? 0, RTT_MS);
  const frames = below(measured.framesPerSecond, FRAMES_PER_SECOND);
  const limit = measured.limitedBy === 'cpu' || measured.limitedBy === 'bandwidth';
  const grades: [Grade, Cause][] = [
    [loss, 'loss'],
    [delay, 'delay'],
    [frames, limit ? (measured.limitedBy as Cause) : 'none'],
    [limit ? 'fair' : 'good', limit ? (measured.limitedBy as Cause) : 'none'],
  ];
  for (const wanted of ['poor', 'fair'] as const) {
    const found = grades.find(([grade]) => grade === wanted);
    if (found) return { grade: wanted, cause: found[1] };
  }
  return { grade: 'good', cause: 'none' };
}

interface Bounds {
  fair: number;
  poor: number;
}

function above(value: number, bounds: Bounds): Grade {
  if (value >= bounds.poor) return 'poor';
  return value >= bounds.fair ? 'fair' : 'good';
}

function below(value: number, bounds: Bounds): Grade {
  if (value < bounds.poor) return 'poor';
  return value < bounds.fair ? 'fair' : 'good';
}
