/** A list of comments that follows its end until the reader scrolls away, and is read aloud sparingly. */
import { tick } from 'svelte';
import { t } from '../texts/index.svelte';
import type { CommentLine } from '../wire';

const ANNOUNCE_MS = 6000;
const NEAR_END_PX = 48;

export class CommentList {
  element = $state<HTMLElement>();
  following = $state(true);
  announced = $state('');
  private announcedId: string | undefined;

  constructor(
    private readonly comments: () => readonly CommentLine[],
    private readonly me: () => string | undefined,
  ) {
    $effect(() => {
      if (this.comments().length && this.following) void tick().then(() => this.toEnd());
    });
    $effect(() => {
      const timer = setInterval(() => this.announce(), ANNOUNCE_MS);
      return () => clearInterval(timer);
    });
  }

  readonly scrolled = (): void => {
    if (!this.element) return;
    const { scrollHeight, scrollTop, clientHeight } = this.element;
    this.following = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
  };

  readonly follow = (): void => {
    this.following = true;
    this.toEnd();
  };

  private toEnd(): void {
    this.element?.scrollTo({ top: this.element.scrollHeight });
  }

  /** Not every line aloud: now and then how many came, and what the last one said. */
  private announce(): void {
    const comments = this.comments();
    const last = comments.at(-1);
    if (!last || last.comment === this.announcedId) return;
    const known = comments.findIndex((line) => line.comment === this.announcedId);
    const n = comments.length - 1 - known;
    if (this.announcedId !== undefined && last.person.person !== this.me())
      this.announced = t('chat.announce', { n, name: last.person.name, text: last.text });
    this.announcedId = last.comment;
  }
}
