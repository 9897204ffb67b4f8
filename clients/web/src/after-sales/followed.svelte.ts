import type { SoldOrder } from './api';

/** A paid order that is looked at and worked on. */
export class Followed {
  order = $state.raw<SoldOrder | null>(null);
  private changes = 0;

  constructor(private readonly read: () => Promise<SoldOrder>) {}

  /** Looks at it anew; what was asked before a change does not count after it, and the same is kept as it is. */
  async load(): Promise<void> {
    const before = this.changes;
    const found = await this.read();
    const isNew = JSON.stringify(found) !== JSON.stringify(this.order);
    if (before === this.changes && isNew) this.order = found;
  }

  /** Changes it and shows what came of it; after a refusal it is shown as it really is. */
  async change(work: () => Promise<SoldOrder>): Promise<void> {
    this.changes += 1;
    try {
      this.order = await work();
    } catch (error) {
      await this.load().catch(() => undefined);
      throw error;
    } finally {
      this.changes += 1;
    }
  }
}
