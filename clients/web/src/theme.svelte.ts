/** Light or dark: the system's choice, or one made by hand and kept. */
export type Theme = 'system' | 'light' | 'dark';

const order: Theme[] = ['system', 'light', 'dark'];
const current = $state<{ theme: Theme }>({ theme: stored() });

export function theme(): Theme {
  return current.theme;
}

export function nextTheme(): void {
  const next = order[(order.indexOf(current.theme) + 1) % order.length] ?? 'system';
  current.theme = next;
  if (next === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = next;
  try {
    if (next === 'system') localStorage.removeItem('theme');
    else localStorage.setItem('theme', next);
  } catch {
    // Without storage the choice lasts as long as the page.
  }
}

function stored(): Theme {
  const chosen =
    typeof document === 'undefined' ? undefined : document.documentElement.dataset['theme'];
  return chosen === 'light' || chosen === 'dark' ? chosen : 'system';
}
