/** How far a slider reaches, and in which steps: round numbers around a value. */

export interface Range {
  low: number;
  high: number;
  step: number;
}

/** As many steps as a hand can tell apart. */
const STEPS = 400;

/** Around `value`, as far as its own size asks: 1 is in [-1, 3], 100 in [-100, 300], 0.001 in [-1, 1]. */
export function rangeAround(value: number): Range {
  const centre = Number.isFinite(value) ? value : 0;
  const half = Math.max(1, 2 * Math.abs(centre));
  return rounded(centre - half, centre + half);
}

/** The same range where it holds `value`, else a wider one. */
export function widened(range: Range, value: number): Range {
  if (!Number.isFinite(value) || (value >= range.low && value <= range.high)) return range;
  const margin = 0.25 * Math.max(1, Math.abs(value));
  return rounded(Math.min(range.low, value - margin), Math.max(range.high, value + margin));
}

/** 1, 2 or 5 times a power of ten, at most `value`. */
export function roundStep(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const factor = value / power;
  return (factor >= 5 ? 5 : factor >= 2 ? 2 : 1) * power;
}

function rounded(low: number, high: number): Range {
  const step = roundStep((high - low) / STEPS);
  return { low: onGrid(Math.floor(low / step), step), high: onGrid(Math.ceil(high / step), step), step };
}

/** k * step without the tail that binary fractions leave: 3 * 0.1 is 0.3. */
function onGrid(k: number, step: number): number {
  return Number((k * step).toPrecision(12));
}
