/**
 * Repeats a look at the server while somebody looks at the page: at once, then each time after the
 * wait that `waitMs` gives (Infinity: not again by itself). A page in the background rests and looks
 * again as soon as it is seen. Answers the function that ends it; `work` handles its own errors.
 */
export function keepFresh(work: () => Promise<void>, waitMs: () => number): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running = false;
  let ended = false;

  async function look(): Promise<void> {
    clearTimeout(timer);
    if (running || ended || document.hidden) return;
    running = true;
    await work();
    running = false;
    const wait = waitMs();
    if (!ended && wait !== Infinity) timer = setTimeout(() => void look(), wait);
  }

  const seen = (): void => void look();
  document.addEventListener('visibilitychange', seen);
  void look();
  return () => {
    ended = true;
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', seen);
  };
}
