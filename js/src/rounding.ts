/** How far rounding carries: a tape run with every step rounded to float32, and without. */

import type { Numbers } from "./host";
import { TapeRunner } from "./tape";
import type { Tape } from "./wire";

/** The same numbers, as exactly as here and rounded. */
export interface Rerun {
  rounded: Numbers;
  exact: Numbers;
}

/** At the point and close to it on both sides, since at a single point an entry may by luck lose nothing. */
export function rerun(tape: Tape, n: number, point: Float64Array, order: 0 | 1 | 2): Rerun[] {
  const roughly = new TapeRunner(tape, n, Float32Array);
  const exactly = new TapeRunner(tape, n);
  return [0, 2 ** -21, -(2 ** -21)].flatMap((shift) => {
    const beside = shift === 0 ? point : point.map((x) => Math.fround(x * (1 + shift)));
    const rounded = roughly.evaluate(beside, order).numbers;
    const exact = exactly.evaluate(beside, order).numbers;
    return rounded && exact ? [{ rounded, exact }] : [];
  });
}
