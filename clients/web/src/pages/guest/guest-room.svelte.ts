/** A guest's side of a show: the live room, the guest's own camera, and the seat while they have it. */
import { LiveRoom } from '../../live-room.svelte';
import { guestTiles, HOST_SEAT, seatOf, type Tile } from '../../stage/tiles';
import { errorText } from '../../texts/errors';
import { toast } from '../../toasts.svelte';
import { Camera, NoPicture } from '../studio/camera.svelte';

export type Standing = 'off' | 'backstage' | 'on_air';

export class GuestRoom {
  readonly live: LiveRoom;
  readonly camera: Camera;
  /** Whether there ever was a seat: one that is gone is told apart from none. */
  wasSeated = $state(false);

  constructor(readonly room: string) {
    this.live = new LiveRoom(room, {
      onmessage: () => {
        if (this.seat) this.wasSeated = true;
        else if (this.wasSeated) this.camera.close();
      },
    });
    this.camera = new Camera(
      room,
      () => undefined,
      () => this.seat ?? '',
    );
  }

  readonly card = $derived.by(() => this.live.view.room);
  readonly seat = $derived.by(() => seatOf(this.card, this.live.view.me?.person));

  /** The host and the other guests. */
  readonly others = $derived.by((): Tile[] => {
    const { card, seat } = this;
    if (!card) return [];
    const stream = card.streams.find((one) => one.seat === HOST_SEAT) ?? null;
    const host: Tile = { seat: HOST_SEAT, name: card.host.name, place: 'cell', stream };
    return [host, ...guestTiles(card).filter((tile) => tile.seat !== seat)];
  });

  readonly standing = $derived.by((): Standing => {
    if (this.camera.state !== 'live') return 'off';
    return this.card?.layout === 'single' || this.card?.phase !== 'live' ? 'backstage' : 'on_air';
  });

  async send(): Promise<void> {
    try {
      await this.camera.start();
    } catch (error) {
      if (!(error instanceof NoPicture)) toast(errorText(error), 'bad');
    }
  }

  async leave(): Promise<void> {
    this.camera.close();
    if (this.seat)
      await this.live.ask({ t: 'seat.vacate', seat: this.seat }).catch(() => undefined);
  }

  close(): void {
    this.live.close();
    this.camera.close();
  }
}
