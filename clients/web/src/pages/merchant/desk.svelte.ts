import { merchant, type SoldOrder, type Tab } from '../../after-sales/api';
import { ApiError } from '../../api';
import { errorText } from '../../texts/errors';
import { queryOf, readFilter, searchOf, type Filter } from './filter';

const PAGE = 30;
/** The longest list that is read again as a whole; of a longer one only the counts are. */
const MOST = 100;

/** The merchant's list of orders: page after page, and fresh while it is looked at. */
export class Desk {
  filter = $state.raw<Filter>(readFilter(location.search));
  orders = $state.raw<SoldOrder[] | null>(null);
  counts = $state.raw<Record<Tab, number> | null>(null);
  next = $state.raw<string | null>(null);
  failure = $state('');
  /** The server's status of the last failure; 0 where it did not answer. */
  status = $state(0);
  busy = $state(false);
  private asked = 0;

  /** Looks for other orders. */
  choose(change: Partial<Filter>): void {
    this.filter = { ...this.filter, ...change };
    history.replaceState(null, '', location.pathname + searchOf(this.filter));
    this.orders = null;
    this.next = null;
    void this.look();
  }

  /** The list from its beginning, as long as it is by now. */
  look = async (): Promise<void> => {
    const shown = this.orders?.length ?? 0;
    await this.ask({ limit: String(Math.max(PAGE, Math.min(shown, MOST))) }, (page) => {
      if (shown > MOST) return;
      this.orders = page.orders;
      this.next = page.next;
    });
  };

  /** The next page. */
  more = async (): Promise<void> => {
    const after = this.next;
    if (!after || this.busy) return;
    await this.ask({ limit: String(PAGE), after }, (page) => {
      const known = new Set(this.orders?.map(({ order }) => order));
      const fresh = page.orders.filter(({ order }) => !known.has(order));
      this.orders = [...(this.orders ?? []), ...fresh];
      this.next = page.next;
    });
  };

  private async ask(
    more: Record<string, string>,
    take: (page: Awaited<ReturnType<typeof merchant.orders>>) => void,
  ): Promise<void> {
    const number = ++this.asked;
    const query = queryOf(this.filter);
    for (const [name, value] of Object.entries(more)) query.set(name, value);
    this.busy = true;
    try {
      const page = await merchant.orders(query);
      if (number !== this.asked) return; // something else is looked for by now
      take(page);
      this.counts = page.counts;
      this.failure = '';
    } catch (error) {
      if (number !== this.asked) return;
      this.status = error instanceof ApiError ? error.status : 0;
      this.failure = errorText(error);
    } finally {
      if (number === this.asked) this.busy = false;
    }
  }
}
