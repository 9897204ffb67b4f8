/** Short messages that come and go at the edge of the screen. */
export type ToastTone = 'info' | 'good' | 'bad';

export interface Toast {
  id: number;
  tone: ToastTone;
  text: string;
}

const SHOWN_MS = 4500;
const MAX_SHOWN = 3;
let lastId = 0;
const state = $state<{ toasts: Toast[] }>({ toasts: [] });

export function toasts(): Toast[] {
  return state.toasts;
}

export function toast(text: string, tone: ToastTone = 'info'): void {
  const id = ++lastId;
  const others = state.toasts.filter((shown) => shown.text !== text);
  state.toasts = [...others, { id, tone, text }].slice(-MAX_SHOWN);
  setTimeout(() => dismiss(id), SHOWN_MS);
}

export function dismiss(id: number): void {
  state.toasts = state.toasts.filter((shown) => shown.id !== id);
}
