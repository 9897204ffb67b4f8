/** What somebody who moderates can do about comments and people; each act can be undone. */
import { serverNow } from '../clock.svelte';
import { Refused } from '../connection';
import type { LiveRoom } from '../live-room.svelte';
import { codeText } from '../texts/errors';
import { t } from '../texts/index.svelte';
import { toast } from '../toasts.svelte';
import type { CommentLine, Request, SanctionKind } from '../wire';

export const MUTE_SECONDS = 600;
const BAN_SECONDS = 86_400;

export interface Restriction {
  kind: 'mute' | SanctionKind;
  person: string;
  name: string;
  until_ms: number;
}

export class Moderator {
  /** The comment whose menu is open. */
  chosen = $state.raw<CommentLine | null>(null);

  constructor(readonly live: LiveRoom) {}

  get may(): boolean {
    const role = this.live.view.me?.role;
    return role === 'moderator' || this.mayAppoint;
  }

  /** Whether they may also say who moderates. */
  get mayAppoint(): boolean {
    const role = this.live.view.me?.role;
    return role === 'host' || role === 'operator';
  }

  isModerator(person: string): boolean {
    return this.live.view.room?.moderators?.some((card) => card.person === person) ?? false;
  }

  appoint({ person, name }: CommentLine['person']): Promise<void> {
    return this.attempt({ t: 'moderator.appoint', person, name });
  }

  dismiss(person: string): Promise<void> {
    return this.attempt({ t: 'moderator.dismiss', person });
  }

  /** Everybody who is muted, hidden or removed now. */
  readonly restrictions = $derived.by((): Restriction[] => {
    const { room, desk } = this.live.view;
    const now = serverNow();
    const muted = Object.entries(room?.muted ?? {}).map(([person, until_ms]): Restriction => ({
      kind: 'mute',
      person,
      name: this.nameOf(person),
      until_ms,
    }));
    return [...muted, ...Object.values(desk.sanctions)].filter(({ until_ms }) => until_ms > now);
  });

  is(kind: Restriction['kind'], person: string): boolean {
    return this.restrictions.some((one) => one.kind === kind && one.person === person);
  }

  restrict(kind: Restriction['kind'], { person, name }: CommentLine['person']): Promise<void> {
    if (kind === 'mute') return this.attempt({ t: 'mute', person, seconds: MUTE_SECONDS });
    return this.attempt({ t: 'impose', kind, person, name, seconds: BAN_SECONDS });
  }

  lift(kind: Restriction['kind'], person: string): Promise<void> {
    if (kind === 'mute') return this.attempt({ t: 'mute', person, seconds: 0 });
    return this.attempt({ t: 'impose', kind, person, seconds: 0 });
  }

  delete(line: CommentLine): Promise<void> {
    return this.attempt({ t: 'delete', comment: line.comment });
  }

  pin(line: CommentLine): Promise<void> {
    return this.attempt({ t: 'comment.pin', comment: line.comment });
  }

  unpin(): Promise<void> {
    return this.attempt({ t: 'comment.unpin' });
  }

  review(line: CommentLine, approve: boolean): Promise<void> {
    return this.attempt({ t: 'review', comment: line.comment, approve });
  }

  slow(seconds: number): Promise<void> {
    return this.attempt({ t: 'slow', seconds });
  }

  reviewFirst(on: boolean): Promise<void> {
    return this.attempt({ t: 'review.first', on });
  }

  private nameOf(person: string): string {
    const line = this.live.view.comments.findLast((one) => one.person.person === person);
    return line?.person.name ?? t('moderate.somebody');
  }

  private async attempt(request: Request): Promise<void> {
    try {
      await this.live.ask(request);
    } catch (error) {
      if (error instanceof Refused)
        toast(codeText(error.code, error.params, error.temporary), 'bad');
      else toast(t('error.offline'), 'bad');
    }
  }
}
