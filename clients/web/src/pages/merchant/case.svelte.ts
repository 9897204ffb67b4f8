import { merchant, type Deed, type SoldOrder } from '../../after-sales/api';
import { Followed } from '../../after-sales/followed.svelte';
import { ApiError } from '../../api';
import { errorText } from '../../texts/errors';

/** One order on the merchant's desk, and what was done with it. */
export class Case {
  history = $state.raw<Deed[]>([]);
  failure = $state('');
  status = $state(0);
  private readonly followed: Followed;

  constructor(private readonly id: string) {
    this.followed = new Followed(() => merchant.order(id));
  }

  get order(): SoldOrder | null {
    return this.followed.order;
  }

  look = async (): Promise<void> => {
    try {
      await this.followed.load();
      await this.readHistory();
      this.failure = '';
    } catch (error) {
      this.status = error instanceof ApiError ? error.status : 0;
      this.failure = errorText(error);
    }
  };

  /** Does something; what came of it is shown, whether it was done or refused. */
  async change(work: () => Promise<SoldOrder>): Promise<void> {
    try {
      await this.followed.change(work);
    } finally {
      await this.readHistory().catch(() => undefined);
    }
  }

  private async readHistory(): Promise<void> {
    this.history = await merchant.history(this.id);
  }
}
