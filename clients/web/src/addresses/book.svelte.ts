/** Somebody's address book, and which of its addresses is chosen. */
import { api, type Address, type BookedAddress } from '../api';

export class AddressBook {
  addresses = $state.raw<BookedAddress[] | null>(null);
  chosen = $state('');

  readonly current = $derived(
    this.addresses?.find((one) => one.address === this.chosen) ?? this.addresses?.[0] ?? null,
  );

  async load(): Promise<void> {
    this.addresses = await api.addresses();
  }

  /** Adds an address, or changes the one with this id, and chooses it. */
  async save(id: string, address: Address, isDefault: boolean): Promise<void> {
    const form = { ...address, is_default: isDefault };
    const saved = id ? await api.changeAddress(id, form) : await api.addAddress(form);
    await this.load();
    this.chosen = saved.address;
  }

  async remove(id: string): Promise<void> {
    await api.removeAddress(id);
    if (this.chosen === id) this.chosen = '';
    await this.load();
  }
}
