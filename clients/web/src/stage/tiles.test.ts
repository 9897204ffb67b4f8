import { describe, expect, test } from 'vitest';
import { roomCard } from '../testing/room';
import type { RoomCard } from '../wire';
import { guestTiles, seatOf, tiles } from './tiles';

const person = (name: string) => ({ person: name, name, role: 'viewer' as const });
const stream = (seat: string) => ({ seat, stream: seat, since_ms: 1 });

function room(layout: string, ...sending: string[]): RoomCard {
  const seats = ['guest-1', 'guest-2'].map((seat) => ({ seat, person: person(`of ${seat}`) }));
  return { ...roomCard(), layout, seats, streams: sending.map(stream) };
}

const places = (card: RoomCard) => tiles(card).map(({ seat, place }) => `${seat} ${place}`);

describe('tiles', () => {
  test('a guest stays behind the scenes while the host is alone in the picture', () => {
    expect(places(room('single', 'host', 'guest-1'))).toEqual(['host whole']);
  });

  test('side by side shows the host and every guest who sends', () => {
    expect(places(room('side-by-side', 'guest-2', 'host'))).toEqual(['host cell', 'guest-2 cell']);
  });

  test('without a guest who sends, the host fills the stage', () => {
    expect(places(room('side-by-side', 'host'))).toEqual(['host whole']);
  });

  test('picture in picture puts guests above the host', () => {
    expect(places(room('picture-in-picture', 'host', 'guest-1', 'guest-2'))).toEqual([
      'host whole',
      'guest-1 inset',
      'guest-2 inset',
    ]);
  });

  test('the host keeps a place while her picture is away', () => {
    expect(tiles(room('side-by-side', 'guest-1'))[0]).toMatchObject({ seat: 'host', stream: null });
  });
});

test('the studio sees guests who do not send yet', () => {
  expect(guestTiles(room('single')).map(({ name }) => name)).toEqual(['of guest-1', 'of guest-2']);
});

test('a person finds their seat, and nobody else’s', () => {
  expect(seatOf(room('single'), 'of guest-2')).toBe('guest-2');
  expect(seatOf(room('single'), 'stranger')).toBeNull();
  expect(seatOf(null, undefined)).toBeNull();
});
