/** Values of a function of two numbers on a square grid, as many as there is time for. */

import type { Interval } from "./frame";

export interface Grid {
  size: number;
  /** Row by row, the second number growing with the row. */
  values: Float64Array;
  x: Interval;
  y: Interval;
}

export type Field = (x: number, y: number) => number;

const SIZES = [64, 48, 36, 24] as const;
/** Longer than that, and zooming would stutter. */
const BUDGET_MS = 60;

export function sampleGrid(field: Field, x: Interval, y: Interval, largest = 64): Grid {
  const started = performance.now();
  const trial = 60;
  for (let k = 0; k < trial; k++) field(x[0] + ((x[1] - x[0]) * k) / trial, y[0] + ((y[1] - y[0]) * k) / trial);
  const each = (performance.now() - started) / trial;
  const size = SIZES.find((size) => size <= largest && size * size * each < BUDGET_MS) ?? 24;
  const values = new Float64Array(size * size);
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      values[row * size + column] = field(gridAt(x, column, size), gridAt(y, row, size));
    }
  }
  return { size, values, x, y };
}

export function gridAt([low, high]: Interval, index: number, size: number): number {
  return low + ((high - low) * index) / (size - 1);
}

/** Where to draw level lines: at round values, or, where those would crowd together, so that areas are equal. */
export function levels(values: Float64Array, count = 11): number[] {
  const sorted = values.filter(Number.isFinite).sort();
  const [least, most] = [sorted[0], sorted[sorted.length - 1]];
  if (least === undefined || most === undefined || !(most > least)) return [];
  const quantiles = Array.from(
    { length: count },
    (_, k) => sorted[Math.floor(((k + 1) * sorted.length) / (count + 1))]!,
  );
  const even = Array.from({ length: count }, (_, k) => least + ((most - least) * (k + 1)) / (count + 1));
  const middle = (quantiles[count >> 1]! - least) / (most - least);
  const wanted = middle > 0.3 && middle < 0.7 ? even : quantiles;
  return [...new Set(wanted.map((value, k) => rounded(value, wanted[k - 1], wanted[k + 1])))];
}

/** As round as it can be while it stays apart from its neighbours. */
function rounded(value: number, before = Number.NEGATIVE_INFINITY, after = Number.POSITIVE_INFINITY): number {
  const gap = Math.min(value - before, after - value);
  if (!(gap > 0) || !Number.isFinite(gap)) return value;
  const unit = 10 ** Math.floor(Math.log10(gap / 2));
  return Number((Math.round(value / unit) * unit).toPrecision(12)) + 0;
}
