/** The buyer's places in lines: joining, leaving, and what to say when one changes. */
import { isTurn } from '../../line';
import { serverNow } from '../../clock.svelte';
import { errorText } from '../../texts/errors';
import { t } from '../../texts/index.svelte';
import { toast } from '../../toasts.svelte';
import type { LiveRoom } from '../../live-room.svelte';
import type { PlaceCard, SaleCard, ServerMessage } from '../../wire';

export class Places {
  /** The sale that is being asked about. */
  busy = $state<string | null>(null);
  /** Sales of turns: a card leaves the room before the turn that began in time is over. */
  private readonly seen = new Map<string, SaleCard>();

  constructor(
    private readonly live: LiveRoom,
    private readonly onturn: (sale: string) => void,
  ) {}

  of(sale: string): PlaceCard | undefined {
    return this.live.view.places[sale];
  }

  /** The sale as the room shows it, or showed it when the turn began. */
  saleOf(id: string): SaleCard | null {
    const shown = this.live.view.room?.sales.find((card) => card.sale === id);
    return shown ?? this.seen.get(id) ?? null;
  }

  /** Turns that can be taken now, with their sales. */
  turns(): { place: PlaceCard; sale: SaleCard }[] {
    return Object.values(this.live.view.places).flatMap((place) => {
      const sale = this.saleOf(place.sale);
      return sale && isTurn(place, serverNow()) ? [{ place, sale }] : [];
    });
  }

  wait(sale: SaleCard): Promise<void> {
    return this.ask(sale.sale, { t: 'wait', sale: sale.sale });
  }

  leave(sale: SaleCard): Promise<void> {
    return this.ask(sale.sale, { t: 'wait.leave', sale: sale.sale });
  }

  /** Hears every message after the view has taken it in. */
  hear(message: ServerMessage): void {
    if (message.t !== 'place' || this.of(message.place.sale)?.v !== message.place.v) return;
    const { sale, state } = message.place;
    const shown = this.live.view.room?.sales.find((card) => card.sale === sale);
    if (state === 'turn') {
      if (shown) this.seen.set(sale, shown);
      // Browsers refuse it, loudly, before the first tap.
      if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.(200);
      this.onturn(sale);
    } else if (state === 'lapsed') toast(t('line.lapsed'));
    else if (state === 'lost') toast(t('line.lost'));
    else if (state === 'over') toast(t('line.over'));
  }

  private async ask(
    sale: string,
    request: { t: 'wait' | 'wait.leave'; sale: string },
  ): Promise<void> {
    if (this.busy) return;
    this.busy = sale;
    try {
      await this.live.ask(request);
    } catch (error) {
      toast(errorText(error), 'bad');
    } finally {
      this.busy = null;
    }
  }
}
