/** The idempotency key of one form: the same wish keeps its key, a changed one is another wish. */
export class WishKey {
  private key = '';
  private contents = '';

  /** The key under which to send these contents; asking again after a lost answer is safe. */
  of(contents: object): string {
    const written = JSON.stringify(contents);
    if (written !== this.contents || !this.key) {
      this.contents = written;
      this.key = [...crypto.getRandomValues(new Uint8Array(16))]
        .map((byte) => byte.toString(16).padStart(2, '0'))
        .join('');
    }
    return this.key;
  }

  /** It was carried out or refused for good: the next one is new, even with the same contents. */
  decided(): void {
    this.key = '';
  }
}

/** When a sale opens: so long from now, or then. */
export type Opening = { wait_seconds: number } | { opens_ms: number };

/** When the clock here shows this time of day next ("20:15"), or null where it is none. */
export function nextTimeOfDay(typed: string, nowMs: number): number | null {
  const [, hours, minutes] = /^(\d\d):(\d\d)(?::\d\d)?$/.exec(typed) ?? [];
  if (hours === undefined || minutes === undefined) return null;
  const at = new Date(nowMs);
  at.setHours(Number(hours), Number(minutes), 0, 0);
  if (at.getTime() <= nowMs) at.setDate(at.getDate() + 1);
  return at.getTime();
}

/** A whole number that somebody typed, or null where it is none or not within the bounds. */
export function wholeNumber(typed: string, min: number, max: number): number | null {
  const clean = typed.trim();
  const value = /^\d{1,9}$/.test(clean) ? Number(clean) : NaN;
  return value >= min && value <= max ? value : null;
}
