/** How long to wait before each further attempt: full jitter, so that a crowd does not come back at once. */
export class Backoff {
  private attempts = 0;

  constructor(
    private readonly leastMs = 500,
    private readonly mostMs = 20_000,
    private readonly random: () => number = Math.random,
  ) {}

  /** The next wait; the range it is drawn from doubles each time. */
  next(): number {
    const cap = Math.min(this.mostMs, this.leastMs * 2 ** (this.attempts + 1));
    this.attempts += 1;
    return Math.round(this.leastMs + this.random() * (cap - this.leastMs));
  }

  reset(): void {
    this.attempts = 0;
  }
}
