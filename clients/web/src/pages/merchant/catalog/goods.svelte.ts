/** A shop's products as the page shows them: read page by page, found by words. */
import { ApiError } from '../../../api';
import { errorText } from '../../../texts/errors';
import { catalog, type Listing } from './api';
import { search } from './draft';

export class Goods {
  typed = $state('');
  archived = $state(false);
  /** Null until the first page is there. */
  products = $state.raw<Listing[] | null>(null);
  failure = $state('');
  status = $state(0);
  /** Whether more pages are on their way. */
  reading = $state(false);
  private turn = 0;

  constructor(readonly shop: string) {}

  readonly found = $derived.by(() => search(this.products ?? [], this.typed));

  /** Reads all pages, and shows each as it comes. */
  readonly load = async (): Promise<void> => {
    const mine = ++this.turn;
    [this.products, this.failure, this.reading] = [null, '', true];
    try {
      let next: string | null = '';
      while (next !== null) {
        const page: Awaited<ReturnType<typeof catalog.page>> = await catalog.page(
          this.shop,
          this.archived,
          next,
        );
        if (mine !== this.turn) return;
        this.products = [...(this.products ?? []), ...page.products];
        next = page.next;
      }
    } catch (error) {
      if (mine !== this.turn) return;
      this.status = error instanceof ApiError ? error.status : 0;
      this.failure = errorText(error);
    }
    this.reading = false;
  };

  choose(archived: boolean): void {
    this.archived = archived;
    void this.load();
  }

  /** Shows a product as it is now; one that was put away or taken out leaves this list. */
  put(product: Listing): void {
    const belongs = (product.archived_ms !== null) === this.archived;
    const known = this.products ?? [];
    const others = known.filter((one) => one.product !== product.product);
    if (!belongs) this.products = others;
    else if (others.length === known.length) this.products = [...known, product];
    else this.products = known.map((one) => (one.product === product.product ? product : one));
  }
}
