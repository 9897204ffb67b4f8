/** Who is signed in on this page. */
import { api, type Config, type DemoRole, type Person } from './api';
import type { Role } from './wire';

const state = $state<{ person: Person | null; known: boolean; config: Config | null }>({
  person: null,
  known: false,
  config: null,
});

export const session = {
  get person(): Person | null {
    return state.person;
  },
  /** Whether the server has said who is signed in. */
  get known(): boolean {
    return state.known;
  },
  get config(): Config | null {
    return state.config;
  },
  /** Signed in with an account; guests may watch and comment only. */
  get hasAccount(): boolean {
    return state.person !== null && !state.person.guest;
  },
  hasRole(role: Role): boolean {
    return state.person?.roles.some((membership) => membership.role === role) ?? false;
  },

  /** Asks the server who is here and how it is configured. */
  async load(): Promise<void> {
    const [current, config] = await Promise.all([api.session(), api.config()]);
    state.person = current.person;
    state.config = config;
    state.known = true;
  },
  async signIn(login: string, password: string): Promise<void> {
    state.person = (await api.signIn(login, password)).person;
  },
  async signInAsGuest(nickname: string): Promise<void> {
    state.person = (await api.signInAsGuest(nickname)).person;
  },
  async signInAsDemo(role: DemoRole): Promise<void> {
    state.person = (await api.signInAsDemo(role)).person;
  },
  async signOut(): Promise<void> {
    await api.signOut();
    state.person = null;
  },
  /** On all devices; what they have open is closed. */
  async signOutEverywhere(): Promise<void> {
    await api.signOutEverywhere();
    state.person = null;
  },
};

/** The sign-in page's address, coming back to where we are. */
export function signInAddress(next = location.pathname + location.search): string {
  return `/signin?next=${encodeURIComponent(next)}`;
}

/** A place on this site from `?next=`; anything that leads elsewhere becomes the lobby. */
export function safeNext(search: string): string {
  const next = new URLSearchParams(search).get('next') ?? '/';
  return /^\/(?![/\\])/.test(next) ? next : '/';
}
