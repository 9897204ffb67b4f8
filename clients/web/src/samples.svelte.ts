/** Figures noted over time while a page is open; the oldest are forgotten. */
export class Samples<Name extends string> {
  private rows = $state.raw<{ atMs: number; values: Record<Name, number | null> }[]>([]);

  constructor(private readonly kept = 720) {}

  add(atMs: number, values: Record<Name, number | null>): void {
    this.rows = [...this.rows, { atMs, values }].slice(-this.kept);
  }

  get timesMs(): number[] {
    return this.rows.map((row) => row.atMs);
  }

  of(name: Name): (number | null)[] {
    return this.rows.map((row) => row.values[name]);
  }

  /** The highest so far; 0 before there is any. */
  peak(name: Name): number {
    return this.rows.reduce((most, row) => Math.max(most, row.values[name] ?? 0), 0);
  }
}
