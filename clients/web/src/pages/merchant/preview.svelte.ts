import type { RefundPreview } from '../../after-sales/api';
import { errorText } from '../../texts/errors';

const PAUSE_MS = 250;

/** What a refund would do, asked for while it is still being written. */
export class Preview {
  answer = $state.raw<RefundPreview | null>(null);
  refusal = $state('');
  private timer: ReturnType<typeof setTimeout> | undefined;
  private asked = 0;
  private resting = false;

  /** Asks once the fingers rest; null: there is nothing to ask for yet. */
  of(ask: (() => Promise<RefundPreview>) | null): void {
    if (this.resting) return;
    clearTimeout(this.timer);
    const number = ++this.asked;
    this.answer = null;
    this.refusal = '';
    if (ask) this.timer = setTimeout(() => void this.look(number, ask), PAUSE_MS);
  }

  /** Asks for nothing while the refund itself is asked for: afterwards it would be a second one. */
  async during(work: () => Promise<void>): Promise<void> {
    clearTimeout(this.timer);
    this.resting = true;
    try {
      await work();
    } catch (error) {
      this.resting = false;
      throw error;
    }
  }

  private async look(number: number, ask: () => Promise<RefundPreview>): Promise<void> {
    try {
      const answer = await ask();
      if (number === this.asked) this.answer = answer;
    } catch (error) {
      if (number === this.asked) this.refusal = errorText(error);
    }
  }
}
