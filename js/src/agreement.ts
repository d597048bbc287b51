/** Whether the kernel's numbers are those of the tape, within what the dtype allows. */

import type { Numbers } from "./host";

export const ARRAYS = ["value", "jacobian", "hessian"] as const;
export type Arrays = Partial<Record<(typeof ARRAYS)[number], Float64Array>>;

/** An entry on which they disagree. */
export interface Disagreement {
  what: (typeof ARRAYS)[number];
  index: number;
  kernel: number;
  tape: number;
}

/** How much of an array's largest entry, or of the rounding that the tape shows, may be lost. */
export interface Allowance {
  agreement: number;
  eps: number;
  /** The tape's numbers with every step rounded to float32; asked for only where the kernel's look wrong. */
  inFloat32: () => Numbers | null;
}

/** Rounding in another order may lose this many times what it loses in the tape's order. */
const MARGIN = 30;

/** The worst disagreement; null where there is none.
 *
 * An array in which the tape has something that is not finite is at a singular point: there the two may differ by the
 * way in which 0 times infinity came about, so only entries that are finite in both are compared. */
export function disagreement(kernel: Arrays, tape: Numbers, allowance: Allowance): Disagreement | null {
  for (const what of ARRAYS) {
    const theirs = kernel[what];
    const ours = tape[what];
    if (!theirs || !ours) continue;
    const found = worst(theirs, ours, (largest) => allowance.agreement * largest + Number.MIN_VALUE);
    if (found === null) continue;
    const rough = allowance.inFloat32()?.[what];
    const lost = rough && largestDifference(rough, ours);
    const slack = lost && Number.isFinite(lost) ? MARGIN * lost * (allowance.eps / 2 ** -24) : 0;
    const still = worst(theirs, ours, (largest) => allowance.agreement * largest + slack);
    if (still !== null) return { what, index: still, kernel: theirs[still] ?? Number.NaN, tape: ours[still]! };
  }
  return null;
}

/** The index of the entry that is furthest beyond its tolerance. */
function worst(theirs: Float64Array, ours: Float64Array, tolerance: (largest: number) => number): number | null {
  if (theirs.length !== ours.length) return 0;
  const singular = !ours.every(Number.isFinite);
  let largest = 0;
  for (const x of ours) if (Number.isFinite(x)) largest = Math.max(largest, Math.abs(x));
  let furthest = tolerance(largest);
  let found: number | null = null;
  for (let i = 0; i < ours.length; i++) {
    const distance = Math.abs(theirs[i]! - ours[i]!);
    if (Number.isFinite(distance) ? distance > furthest : !singular) {
      found = i;
      furthest = Number.isFinite(distance) ? distance : Number.POSITIVE_INFINITY;
    }
  }
  return found;
}

function largestDifference(a: Float64Array, b: Float64Array): number {
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i]! - b[i]!));
  return largest;
}
