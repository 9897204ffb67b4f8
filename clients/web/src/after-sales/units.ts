/** Units of an order's lines, as people choose them and as they are told. */
import { local, t } from '../texts/index.svelte';
import type { LineUnits, ReturnCase, SoldLine, SoldOrder } from './api';

/** Line → how many of it. */
export type Units = Record<number, number>;

export function allOf(lines: SoldLine[], left: (line: SoldLine) => number): Units {
  return Object.fromEntries(lines.map((line) => [line.line, left(line)]));
}

/** What is chosen, never more than there is left by now. */
export function chosen(
  units: Units,
  lines: SoldLine[],
  left: (line: SoldLine) => number,
): LineUnits[] {
  return lines
    .map((line) => ({ line: line.line, qty: Math.min(units[line.line] ?? 0, left(line)) }))
    .filter(({ qty }) => qty > 0);
}

export function count(units: readonly LineUnits[]): number {
  return units.reduce((sum, { qty }) => sum + qty, 0);
}

/** What a line is called, with its variant. */
export function lineTitle(line: SoldLine): string {
  return [local(line.title), local(line.variant)].filter(Boolean).join(' · ');
}

/** "Teapot · 280 ml × 2, Umbrella · Sky blue × 1"; no line ends between the cross and its number. */
export function unitsText(order: SoldOrder, units: readonly LineUnits[]): string {
  return units
    .map(({ line, qty }) => {
      const found = order.lines.find((one) => one.line === line);
      return t('after.units', { title: found ? lineTitle(found) : String(line), n: qty });
    })
    .join(t('after.comma'));
}

const WAITING = new Set(['requested', 'approved', 'sent_back', 'received', 'refunding']);

/** Whether somebody still has to do something about a return. */
export function isOpen(one: ReturnCase): boolean {
  return WAITING.has(one.state);
}

/** Whether something about the order will soon change without who looks at it. */
export function isMoving(order: SoldOrder): boolean {
  return (
    order.refunds.some(({ state }) => state === 'requested' || state === 'sent') ||
    order.returns.some(({ state }) => state === 'refunding')
  );
}
