/** One show in the studio: the live room, the host's camera, and what she can do. */
import { api, ApiError, type RoomDetail, type Segment, type ShelfProduct } from '../../api';
import { serverNow } from '../../clock.svelte';
import { Refused } from '../../connection';
import { LiveRoom } from '../../live-room.svelte';
import { guestTiles, HOST_SEAT, seatOf } from '../../stage/tiles';
import { errorText } from '../../texts/errors';
import { toast } from '../../toasts.svelte';
import type { Layout, Ok, PersonCard, Request, SaleCard, ServerMessage, Verdict } from '../../wire';
import { Camera, NoPicture } from './camera.svelte';
import { OwnPicture } from './own-picture';
import { cues } from './run-of-show';
import { Tally } from './tally.svelte';
import type { WishKey } from './wish';

export const MAX_PINS = 3;
const MAX_CANDIDATES = 20;

/** What of a running sale can change. */
export interface Terms {
  price_minor?: number;
  limit?: number;
  extend_seconds?: number;
  add_units?: number;
}

/** A form that changes the show, and what it is about. */
export type OpenForm =
  | { kind: 'flash' | 'shelf'; product: ShelfProduct }
  | { kind: 'adjust'; sale: string }
  | { kind: 'drop' };

const AROUND_MS = 86_400_000;
const RUN_CHANGES = new Set<ServerMessage['t']>([
  'segment.started',
  'segment.ended',
  'show.started',
]);
/** A sale borrows units of the shelf and gives back what it did not sell. */
const STOCK_CHANGES = new Set<ServerMessage['t']>([
  'sale.scheduled',
  'sale.opened',
  'sale.adjusted',
  'sale.closed',
]);

export class StudioRoom {
  readonly live: LiveRoom;
  readonly camera: Camera;
  readonly tally: Tally;
  detail = $state.raw<RoomDetail | null>(null);
  products = $state.raw<ShelfProduct[]>([]);
  segments = $state.raw<Segment[]>([]);
  failure = $state('');
  /** The form that is open; it outlives a change of the layout around it. */
  form = $state.raw<OpenForm | null>(null);
  /** An answer to the viewers, as far as it is written. */
  answer = $state('');
  goingLive = $state(false);
  private readonly picture = new OwnPicture();

  constructor(readonly room: string) {
    this.camera = new Camera(room, () => this.picture.connected());
    this.tally = new Tally(`studio.${room}`);
    this.live = new LiveRoom(room, {
      onmessage: (message) => {
        this.tally.note(this.live.view);
        this.yieldPicture(message);
        if (RUN_CHANGES.has(message.t)) void this.loadRun();
        if (STOCK_CHANGES.has(message.t)) void this.loadShelf();
      },
    });
  }

  readonly card = $derived.by(() => this.live.view.room);
  readonly phase = $derived(this.card?.phase ?? null);
  readonly isOnAir = $derived(this.phase === 'live');
  /** A picture that another window or program sends. */
  readonly isPictureFromElsewhere = $derived.by(
    () =>
      this.camera.state === 'idle' &&
      (this.card?.streams.some((stream) => stream.seat === HOST_SEAT) ?? false),
  );
  /** The show runs, and its viewers see nothing of it. */
  readonly isPictureMissing = $derived.by(
    () => this.isOnAir && this.camera.state === 'idle' && !this.isPictureFromElsewhere,
  );
  /** Guests who have a seat. */
  readonly guests = $derived.by(() => (this.card ? guestTiles(this.card) : []));
  /** Whom a seat can be given: who commented lately, and has none. */
  readonly candidates = $derived.by(() => {
    const people = this.live.view.comments.toReversed().map((line) => line.person);
    const host = this.card?.host.person;
    return people
      .filter(({ person }, at) => people.findIndex((one) => one.person === person) === at)
      .filter(({ person }) => person !== host && seatOf(this.card, person) === null)
      .slice(0, MAX_CANDIDATES);
  });
  readonly pinned = $derived(new Set(this.card?.pins.map((pin) => pin.product.product) ?? []));

  get cues() {
    return cues(
      this.segments,
      this.card?.segment?.segment ?? null,
      this.isOnAir ? serverNow() : null,
    );
  }

  /** Loads what does not travel on the socket; a failure is told in the page. */
  readonly load = async (): Promise<void> => {
    try {
      [this.detail, this.products] = await Promise.all([api.room(this.room), api.shelf(this.room)]);
      this.failure = '';
      await this.loadRun();
    } catch (error) {
      this.failure = errorText(error);
    }
  };

  private async loadShelf(): Promise<void> {
    try {
      this.products = await api.shelf(this.room);
    } catch {
      // The counts that are known stay; the next sale tries again.
    }
  }

  readonly loadRun = async (): Promise<void> => {
    const { detail } = this;
    if (!detail) return;
    try {
      const { shows } = await api.schedule(
        detail.starts_ms - AROUND_MS,
        detail.ends_ms + AROUND_MS,
      );
      this.segments = shows.find((show) => show.room === this.room)?.segments ?? [];
    } catch {
      // The run of show that is known stays; the next look tries again.
    }
  };

  /**
   * Picture first, then the show; of a show that runs already, only the picture. What another program sends
   * before the show is its picture: the camera here takes nothing over unasked.
   */
  async goLive(): Promise<void> {
    if (this.goingLive) return;
    this.goingLive = true;
    try {
      if (this.camera.stream && (this.isOnAir || !this.isPictureFromElsewhere))
        await this.camera.start();
      if (!this.isOnAir) await this.ask({ t: 'show.start' });
    } catch (error) {
      if (!(error instanceof NoPicture)) toast(errorText(error), 'bad');
    } finally {
      this.goingLive = false;
    }
  }

  /** Ends the picture, which dies with the show, and then the show; a refused end brings it back. */
  async end(): Promise<void> {
    const sends = this.camera.state === 'live';
    this.camera.stop();
    try {
      await this.ask({ t: 'show.end' });
    } catch (error) {
      if (sends) void this.camera.start().catch(() => undefined);
      throw error;
    }
  }

  async togglePin(product: string): Promise<void> {
    await this.attempt({ t: this.pinned.has(product) ? 'unpin' : 'pin', product });
  }

  /** Closes a sale, or cancels one that has not opened. */
  async closeSale(sale: SaleCard): Promise<void> {
    await this.ask({ t: 'sale.close', sale: sale.sale, version: sale.version });
  }

  /** Changes the terms of the sale as it is seen; the key keeps a lost answer from changing them twice. */
  async adjustSale(sale: SaleCard, terms: Terms, key: WishKey): Promise<void> {
    const change = { sale: sale.sale, version: sale.version, ...terms };
    try {
      await this.ask({ t: 'sale.adjust', ...change, key: key.of(change) });
      key.decided();
    } catch (error) {
      if (error instanceof ApiError && !error.temporary) key.decided();
      throw error;
    }
  }

  /** Units of a variant that are not lent to any sale. */
  onHand(sku: string): number {
    const rows = this.products.flatMap((product) => product.stock);
    return rows.find((row) => row.sku === sku)?.on_hand ?? 0;
  }

  async giveSeat({ person, name }: PersonCard): Promise<void> {
    await this.attempt({ t: 'seat.give', person, name });
  }

  async takeSeatBack(seat: string): Promise<void> {
    await this.attempt({ t: 'seat.vacate', seat });
  }

  async arrange(layout: Layout): Promise<void> {
    await this.attempt({ t: 'layout', layout });
  }

  async extend(segment: Segment, minutes: number): Promise<void> {
    try {
      // who presses again after a lost answer means the same end
      await api.extendSegment(segment.segment, minutes, `after-${segment.ends_ms}`);
      await this.loadRun();
    } catch (error) {
      toast(errorText(error), 'bad');
    }
  }

  /** Asks the room; refusals are thrown as `ApiError`, whichever way they came. */
  async ask(request: Request): Promise<Ok | Verdict> {
    try {
      return await this.live.ask(request);
    } catch (error) {
      if (error instanceof Refused)
        throw new ApiError(409, error.code, error.params, error.temporary);
      throw new ApiError(0, 'offline', {}, true);
    }
  }

  close(): void {
    this.live.close();
    this.camera.close();
  }

  /** Two windows that both want the picture back would take it from each other for ever. */
  private yieldPicture(message: ServerMessage): void {
    if (message.t !== 'stream.started' || message.stream.seat !== HOST_SEAT) return;
    if (this.picture.isReplacedBy(message.stream.stream, this.camera.state)) this.camera.stop();
  }

  private async attempt(request: Request): Promise<void> {
    try {
      await this.ask(request);
    } catch (error) {
      toast(errorText(error), 'bad');
    }
  }
}
