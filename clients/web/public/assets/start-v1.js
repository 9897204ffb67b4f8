// Runs before the first paint, so that a page chosen dark never flashes white, and before the page's own
// scripts, so that its texts are on their way at the same time as they.
(() => {
  let theme = null;
  let language = null;
  try {
    theme = localStorage.getItem('theme');
    language = localStorage.getItem('language');
  } catch {
    // Storage may be forbidden; the system's preference then decides.
  }
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
  if (language !== 'zh-CN' && language !== 'en')
    language = navigator.languages.some((tag) => tag.startsWith('zh')) ? 'zh-CN' : 'en';
  const texts = document.querySelector(`meta[name="texts-${language}"]`);
  if (!texts) return;
  const ahead = document.createElement('link');
  ahead.rel = 'modulepreload';
  ahead.href = texts.content;
  document.head.append(ahead);
})();
