/** How loud a microphone is, sixty times a second while somebody looks. */
const FLOOR_DB = -60;

/** Calls with 0 (silent) to 1 (as loud as it gets); answers the function that ends it. */
export function watchLevel(stream: MediaStream, onlevel: (level: number) => void): () => void {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 1024;
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  let frame = requestAnimationFrame(measure);

  function measure(): void {
    analyser.getFloatTimeDomainData(samples);
    onlevel(loudness(samples));
    frame = requestAnimationFrame(measure);
  }
  // Browsers let sound run only after a touch of the page.
  const resume = (): void => void context.resume();
  document.addEventListener('pointerdown', resume, { once: true });
  return () => {
    cancelAnimationFrame(frame);
    document.removeEventListener('pointerdown', resume);
    void context.close();
  };
}

/** The level of samples between -1 and 1, on a scale of decibels as ears have it. */
export function loudness(samples: Float32Array): number {
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
  const decibels = power > 0 ? 10 * Math.log10(power) : FLOOR_DB;
  return Math.min(1, Math.max(0, 1 - decibels / FLOOR_DB));
}
