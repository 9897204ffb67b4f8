/** Where an order is to go, and what its buyer asks for, until it is paid. */
import type { OrderCard } from '../wire';
import { AddressBook } from './book.svelte';

export const MAX_NOTE = 200;

export class Choice {
  readonly book = new AddressBook();
  note = $state('');
  /** An address is being chosen or filled in. */
  choosing = $state(false);

  /** What goes with the payment; a note that nobody wrote leaves an earlier one alone. */
  get wanted(): { address: string; note: string | null } {
    return { address: this.book.current?.address ?? '', note: this.note.trim() || null };
  }

  /** Whether the order can be paid as things are chosen now. */
  ready(order: OrderCard): boolean {
    return !order.address_needed || (this.book.current !== null && !this.choosing);
  }
}
