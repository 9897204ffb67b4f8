/** When to look again at orders that may change: soon at first, then ever more rarely. */
const FIRST_MS = 1000;
const LAST_MS = 15_000;
const GROWTH = 1.5;

export class Follow {
  private wait = FIRST_MS;
  private last = '';

  /** The wait after a look that found this; a change begins the quick looks anew. */
  after(found: string, moving: boolean): number {
    if (!moving) {
      this.wait = FIRST_MS;
      this.last = found;
      return Infinity;
    }
    this.wait = found === this.last ? Math.min(LAST_MS, this.wait * GROWTH) : FIRST_MS;
    this.last = found;
    return this.wait;
  }
}
