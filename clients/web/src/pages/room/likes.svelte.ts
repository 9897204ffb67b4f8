/** Taps of the heart: shown at once, sent together. */

const SEND_MS = 500;
const MOST_PER_MESSAGE = 50;

export class Likes {
  /** Taps that the server's count does not have yet. */
  pending = $state(0);
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly send: (n: number) => void) {}

  tap(): void {
    this.pending = Math.min(this.pending + 1, MOST_PER_MESSAGE);
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.send(this.pending);
      this.pending = 0;
    }, SEND_MS);
  }
}
