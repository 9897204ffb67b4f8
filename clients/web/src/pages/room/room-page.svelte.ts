/** What the room's page shows: the live room, its shelf, and which sheet is open. */
import { api, ApiError, type RoomDetail, type ShelfProduct } from '../../api';
import { serverNow } from '../../clock.svelte';
import { LiveRoom } from '../../live-room.svelte';
import { offered, phaseAt } from '../../sales';
import { session } from '../../session.svelte';
import { codeText, errorText } from '../../texts/errors';
import { t } from '../../texts/index.svelte';
import { toast } from '../../toasts.svelte';
import type { CommentLine, GrantCard, OrderCard, SaleCard } from '../../wire';
import { Bag, MAX_LINES } from './bag.svelte';
import { Places } from './places.svelte';
import { Purchase } from './purchase.svelte';
import { Quotation } from './quote.svelte';

export type SheetName = 'buy' | 'bag' | 'shelf' | 'wallet' | 'orders' | 'share' | 'signin' | 'line';

const OPEN_ORDERS = new Set(['held', 'paying', 'closing']);

export class RoomPage {
  readonly live: LiveRoom;
  readonly purchase: Purchase;
  readonly bag: Bag;
  readonly places: Places;
  detail = $state.raw<RoomDetail | null>(null);
  /** There is no such room. */
  missing = $state(false);
  products = $state.raw<ShelfProduct[]>([]);
  sheet = $state<SheetName | null>(null);
  buying = $state<string | null>(null);
  /** Whose line the sheet shows. */
  lineOf = $state<string | null>(null);
  /** Whether the sign-in sheet may offer to go on as a guest. */
  guestsWelcome = $state(true);
  private afterSignIn: () => void = () => undefined;
  private commentListeners = new Set<(comments: CommentLine[]) => void>();

  constructor(readonly room: string) {
    const grant = new URLSearchParams(location.search).get('g');
    this.live = new LiveRoom(room, {
      ...(grant ? { grant } : {}),
      oncomments: (comments) => this.commentListeners.forEach((listen) => listen(comments)),
      onmessage: (message) => this.places.hear(message),
    });
    this.places = new Places(this.live, (sale) => this.showTurn(sale));
    this.purchase = new Purchase(this.live);
    this.bag = new Bag(`bag:${room}`, () => this.live.view.room?.sales ?? []);
    void this.load();
  }

  private readonly offered = $derived.by((): SaleCard[] => {
    const { room, stock } = this.live.view;
    return offered(room?.sales ?? [], stock, serverNow());
  });

  /** The flash sale in front: open before announced before sold out. */
  readonly sale = $derived.by((): SaleCard | null => this.offered[0] ?? null);

  /** What opens next while another sale is in front. */
  readonly nextSale = $derived.by((): SaleCard | null => {
    const { stock } = this.live.view;
    const others = this.offered.slice(1);
    return (
      others.find((sale) => phaseAt(sale, stock[sale.sale], serverNow()) === 'scheduled') ?? null
    );
  });

  /** The buyer's orders in this room, newest first. */
  readonly orders = $derived.by((): OrderCard[] =>
    Object.values(this.live.view.orders).sort((a, b) => b.created_ms - a.created_ms),
  );

  /** What is held and still to be paid. */
  readonly held = $derived.by((): OrderCard | null => {
    return this.orders.find((order) => OPEN_ORDERS.has(order.state)) ?? null;
  });

  readonly wallet = $derived.by((): GrantCard[] => Object.values(this.live.view.grants));

  readonly mutedUntilMs = $derived.by((): number => {
    const { room, me } = this.live.view;
    return (me && room?.muted[me.person]) || 0;
  });

  get isMuted(): boolean {
    return this.mutedUntilMs > serverNow();
  }

  async load(): Promise<void> {
    try {
      [this.detail, this.products] = await Promise.all([api.room(this.room), api.shelf(this.room)]);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) this.leave();
      else toast(errorText(error), 'bad');
    }
  }

  private leave(): void {
    this.missing = true;
    this.live.close();
  }

  /** Hears comments as they arrive; returns how to stop. */
  onComments(listen: (comments: CommentLine[]) => void): () => void {
    this.commentListeners.add(listen);
    return () => this.commentListeners.delete(listen);
  }

  /** Opens the buying sheet for a sale, after signing in where that is needed. */
  openBuy(sale: string): void {
    this.withAccount(() => {
      const mine = this.orders.find((o) => o.sale === sale && OPEN_ORDERS.has(o.state));
      this.purchase.order = mine?.order ?? null;
      this.purchase.refusal = null;
      this.buying = sale;
      this.sheet = 'buy';
    });
  }

  /** Shows the turn at once, unless the buyer is in the middle of something else. */
  private showTurn(sale: string): void {
    if (this.sheet === null || this.sheet === 'line') this.openBuy(sale);
  }

  /** Shows one's place in a line. */
  openLine(sale: string): void {
    this.lineOf = sale;
    this.sheet = 'line';
  }

  /** Opens the bag, after signing in where that is needed. */
  openBag(): void {
    this.withAccount(() => {
      this.purchase.order = null;
      this.purchase.refusal = null;
      this.sheet = 'bag';
    });
  }

  /** Puts one more unit of a sale into the bag, or says what stands in the way. */
  putIntoBag(sale: SaleCard): void {
    const obstacle = this.bag.add(sale);
    if (obstacle) toast(codeText(obstacle, { max: MAX_LINES }), 'bad');
    else toast(t('bag.added'), 'good');
  }

  /** What lines cost with this buyer's coupons. */
  quotation(): Quotation {
    return new Quotation(api.quote);
  }

  /** Shows one order in the buying sheet. */
  openOrder(order: OrderCard): void {
    this.purchase.order = order.order;
    this.purchase.refusal = null;
    this.buying = order.sale;
    this.sheet = 'buy';
  }

  /** Does it now, or once somebody with an account has signed in. */
  withAccount(action: () => void): void {
    if (session.hasAccount) action();
    else this.askToSignIn(false, action);
  }

  /** Does it now, or once somebody has at least a nickname. */
  withName(action: () => void): void {
    if (session.person) action();
    else this.askToSignIn(true, action);
  }

  signedIn(): void {
    this.sheet = null;
    this.live.rejoin();
    void this.load();
    const action = this.afterSignIn;
    this.afterSignIn = () => undefined;
    void this.live.whenOpen().then(action);
  }

  private askToSignIn(guests: boolean, action: () => void): void {
    this.guestsWelcome = guests;
    this.afterSignIn = action;
    this.sheet = 'signin';
  }
}
