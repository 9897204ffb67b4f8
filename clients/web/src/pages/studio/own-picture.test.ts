import { expect, test } from 'vitest';
import { OwnPicture } from './own-picture';

function live(stream: string): OwnPicture {
  const picture = new OwnPicture();
  picture.connected();
  picture.isReplacedBy(stream, 'live');
  return picture;
}

test('the first picture after connecting is ours', () => {
  expect(new OwnPicture().isReplacedBy('a', 'live')).toBe(false);
});

test('another picture while ours is on has replaced it', () => {
  expect(live('a').isReplacedBy('b', 'live')).toBe(true);
});

test('ours that recovers has replaced nothing', () => {
  expect(live('a').isReplacedBy('a', 'live')).toBe(false);
});

test('a picture that comes while we are cut off is somebody else’s', () => {
  expect(live('a').isReplacedBy('b', 'waiting')).toBe(true);
});

test('connected again, our new picture is ours', () => {
  const picture = live('a');
  picture.connected();
  expect(picture.isReplacedBy('b', 'live')).toBe(false);
});

test('without a picture of ours there is nothing to replace', () => {
  expect(new OwnPicture().isReplacedBy('a', 'idle')).toBe(false);
});
