/** The HTTP half of WHIP (RFC 9725) and WHEP: an offer for an answer, and the end of the session. */

/** How long the end of a session is waited for. */
const END_MS = 3000;

/** The media server refused the offer. */
export class ExchangeRefused extends Error {
  constructor(
    readonly status: number,
    /** When to try again, where the server said so. */
    readonly retryAfterMs: number | null,
  ) {
    super(`the media server answered ${status}`);
    this.name = 'ExchangeRefused';
  }

  /** A token that is missing, wrong or over; a fresh one may help, waiting will not. */
  get forbidden(): boolean {
    return this.status === 401 || this.status === 403;
  }
}

export interface Exchange {
  answer: string;
  /** The session's own address, for its end. */
  session: string | null;
}

/** Posts an offer. Candidates are not waited for: the server learns ours from the checks it receives. */
export async function exchange(
  url: string,
  token: string,
  offer: string,
  post: typeof fetch = fetch,
): Promise<Exchange> {
  const response = await post(url, {
    method: 'POST',
    headers: { 'content-type': 'application/sdp', authorization: `Bearer ${token}` },
    body: offer,
  });
  if (response.status !== 201) {
    const seconds = Number(response.headers.get('retry-after') ?? NaN);
    throw new ExchangeRefused(response.status, Number.isFinite(seconds) ? seconds * 1000 : null);
  }
  const location = response.headers.get('location');
  return {
    answer: await response.text(),
    session: location && new URL(location, response.url || url).href,
  };
}

/** Ends a session; it would end by itself too, only later. Resolves when that is done or has failed. */
export async function endSession(
  session: string,
  token: string,
  send: typeof fetch = fetch,
): Promise<void> {
  await send(session, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${token}` },
    keepalive: true,
    signal: AbortSignal.timeout(END_MS),
  }).catch(() => undefined);
}
