/** Where the pictures of a room stand: (room) → tiles, pure. */
import type { RoomCard, StreamCard } from '../wire';

export const HOST_SEAT = 'host';

/** `whole`: fills the stage; `cell`: one of several alike; `inset`: small, above the whole. */
export type Place = 'whole' | 'cell' | 'inset';

export interface Tile {
  seat: string;
  name: string;
  place: Place;
  /** Its picture; null while none comes from there. */
  stream: StreamCard | null;
}

/** What viewers see, the host first; guests only while they send and the layout shows them. */
export function tiles(room: RoomCard): Tile[] {
  const host = tile(room, HOST_SEAT, room.host.name, 'whole');
  const place = room.layout === 'side-by-side' ? 'cell' : 'inset';
  const guests = room.layout === 'single' ? [] : guestTiles(room, place);
  const shown = guests.filter(({ stream }) => stream !== null);
  if (place === 'cell' && shown.length) host.place = 'cell';
  return [host, ...shown];
}

/** Every guest who has a seat, sending or not, in the order in which they were asked. */
export function guestTiles(room: RoomCard, place: Place = 'cell'): Tile[] {
  return (room.seats ?? []).map(({ seat, person }) => tile(room, seat, person.name, place));
}

/** The guest's seat of a person. */
export function seatOf(room: RoomCard | null, person: string | undefined): string | null {
  return room?.seats?.find((card) => card.person.person === person)?.seat ?? null;
}

function tile(room: RoomCard, seat: string, name: string, place: Place): Tile {
  const stream = room.streams.find((card) => card.seat === seat) ?? null;
  return { seat, name, place, stream };
}
