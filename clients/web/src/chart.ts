/** Options of a line chart over time; colours come from the page's tokens. */
import type uPlot from 'uplot';

export type Tone = 'accent' | 'good' | 'gold' | 'focus';

export interface Line {
  label: string;
  tone: Tone;
  /** One a moment; null where it was not known. */
  values: readonly (number | null)[];
  format: (value: number) => string;
  /** Measured on the axis at the right, by a scale of its own. */
  right?: boolean;
}

export interface Look {
  width: number;
  height: number;
  /** Without axes, for a small chart beside a number. */
  bare: boolean;
  /** The value of a token such as `--accent`. */
  token: (name: string) => string;
  time: (ms: number) => string;
}

/** Steps of an axis that counts things or cents. */
const WHOLE_STEPS = Array.from({ length: 12 }, (_, power) =>
  [1, 2, 5].map((n) => n * 10 ** power),
).flat();

export function chartOptions(lines: readonly Line[], look: Look): uPlot.Options {
  return {
    width: look.width,
    height: look.height,
    ms: 1,
    padding: look.bare ? [4, 2, 2, 2] : [8, 8, 0, 0],
    legend: { show: false },
    cursor: { show: !look.bare, y: false, drag: { x: false, y: false } },
    scales: { x: { time: false }, left: { range: fromZero }, right: { range: fromZero } },
    series: [{}, ...lines.map((line) => series(line, look))],
    axes: look.bare ? [{ show: false }, { show: false, scale: 'left' }] : axes(lines, look),
  };
}

export function chartData(timesMs: readonly number[], lines: readonly Line[]): uPlot.AlignedData {
  return [[...timesMs], ...lines.map((line) => [...line.values])];
}

function fromZero(_plot: uPlot, _low: number, high: number): [number, number] {
  return [0, Math.max(1, high * 1.15)];
}

function series(line: Line, look: Look): uPlot.Series {
  const stroke = look.token(`--${line.tone}`);
  return {
    label: line.label,
    scale: line.right ? 'right' : 'left',
    stroke,
    width: 2,
    fill: line.right ? 'transparent' : `color-mix(in srgb, ${stroke}, transparent 86%)`,
    points: { show: false },
  };
}

function axes(lines: readonly Line[], look: Look): uPlot.Axis[] {
  const ink = look.token('--ink-faint');
  const text = { stroke: ink, font: `11px ${look.token('--font')}`, ticks: { show: false } };
  const value = (line: Line): uPlot.Axis => ({
    ...text,
    scale: line.right ? 'right' : 'left',
    side: line.right ? 1 : 3,
    size: 52,
    incrs: WHOLE_STEPS,
    grid: line.right ? { show: false } : { stroke: look.token('--line'), width: 1 },
    values: (_plot, ticks) => ticks.map((tick) => line.format(tick)),
  });
  const firsts = [lines.find((line) => !line.right), lines.find((line) => line.right)];
  return [
    {
      ...text,
      space: 70,
      grid: { show: false },
      values: (_plot, ticks) => ticks.map((tick) => look.time(tick)),
    },
    ...firsts.filter((line) => line !== undefined).map(value),
  ];
}
