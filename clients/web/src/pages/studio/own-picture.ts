/**
 * Tells our own picture from one that another window or program puts in its place.
 *
 * The room names each picture that comes on, but not who sends it. Ours is the first one after we
 * have been connected; any other one is somebody else's.
 */
import type { PublisherState } from '../../publisher';

export class OwnPicture {
  private stream = '';

  /** We are connected, or connected again: the next picture is ours. */
  connected(): void {
    this.stream = '';
  }

  /** Hears of a picture that came on; whether it has taken the place of ours. */
  isReplacedBy(stream: string, state: PublisherState): boolean {
    if (stream === this.stream) return false;
    if (state === 'waiting') return true;
    if (state !== 'live') return false;
    if (this.stream) return true;
    this.stream = stream;
    return false;
  }
}
