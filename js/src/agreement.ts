/** Whether the kernel's numbers are those of the tape, entry by entry, within what the dtype allows. */

import type { Numbers } from "./host";
import type { Rerun } from "./rounding";

export const ARRAYS = ["value", "jacobian", "hessian"] as const;
export type Arrays = Partial<Record<(typeof ARRAYS)[number], Float64Array>>;

/** An entry on which they disagree. */
export interface Disagreement {
  what: (typeof ARRAYS)[number];
  index: number;
  kernel: number;
  tape: number;
}

/** `real` is the worst disagreement, null where there is none; `conventions` are the entries that differ at a kink or a
 * jump, where neither is wrong. */
export interface Comparison {
  real: Disagreement | null;
  conventions: Disagreement[];
}

/** How much of an entry, or of the rounding that the tape shows in it, may be lost. */
export interface Allowance {
  agreement: number;
  eps: number;
  /** The smallest number that the dtype holds well; what is smaller may have become 0. */
  smallest: number;
  /** The tape's numbers rounded and not, at this point and beside it; asked for only where the kernel's look wrong. */
  reruns: () => Rerun[];
  /** Whether a derivative is a matter of convention at this point; asked only of entries that differ. */
  isConvention: (entry: Disagreement) => boolean;
}

/** Rounding in another order may lose this many times what it loses in the tape's order. */
const MARGIN = 30;
/** So many roundings of the largest entry may be in a small one, which was computed along with it. */
const SHARED = 4;
const FLOAT32 = 2 ** -24;

/** An array in which the tape has something that is not finite is at a singular point: there the two may differ by the
 * way in which 0 times infinity came about, so only entries that are finite in both are compared. */
export function compare(kernel: Arrays, tape: Numbers, allowance: Allowance): Comparison {
  const conventions: Disagreement[] = [];
  for (const what of ARRAYS) {
    const theirs = kernel[what];
    const ours = tape[what];
    if (!theirs || !ours) continue;
    if (theirs.length !== ours.length)
      return { real: { what, index: 0, kernel: Number.NaN, tape: ours[0]! }, conventions };
    let real: Disagreement | null = null;
    for (const index of differing(what, theirs, ours, allowance)) {
      const entry = { what, index, kernel: theirs[index]!, tape: ours[index]! };
      if (what !== "value" && allowance.isConvention(entry)) conventions.push(entry);
      else if (!real || distance(entry) > distance(real)) real = entry;
    }
    if (real) return { real, conventions };
  }
  return { real: null, conventions };
}

/** The entries that are further apart than rounding explains. */
function differing(
  what: Disagreement["what"],
  theirs: Float64Array,
  ours: Float64Array,
  { agreement, eps, smallest, reruns }: Allowance,
): number[] {
  const singular = !ours.every(Number.isFinite);
  const largest = ours.reduce((most, x) => (Number.isFinite(x) ? Math.max(most, Math.abs(x)) : most), 0);
  const floor = SHARED * eps * largest + smallest;
  const differ = (i: number, lost: number) => {
    const apart = Math.abs(theirs[i]! - ours[i]!);
    return Number.isFinite(apart) ? apart > agreement * Math.abs(ours[i]!) + floor + lost : !singular;
  };
  const suspects = [...ours.keys()].filter((i) => differ(i, 0));
  if (suspects.length === 0) return [];
  const samples = reruns().map(({ rounded, exact }) => [rounded[what]!, exact[what]!] as const);
  return suspects.filter((i) => {
    // What overflows in float32 does in the kernel; in float64 the range is no excuse.
    if (!Number.isFinite(theirs[i]!))
      return eps < FLOAT32 || !samples.some(([rounded]) => Object.is(rounded[i], theirs[i]));
    const losses = samples.map(([rounded, exact]) => Math.abs(rounded[i]! - exact[i]!)).filter(Number.isFinite);
    return differ(i, MARGIN * Math.max(0, ...losses) * (eps / FLOAT32));
  });
}

/** NaN beside a number is as far as can be. */
function distance({ kernel, tape }: Disagreement): number {
  const apart = Math.abs(kernel - tape);
  return Number.isNaN(apart) ? Number.POSITIVE_INFINITY : apart;
}

/** The output of an entry, and the inputs that it is a derivative in, of n. */
export function placeOf({ what, index }: Disagreement, n: number): { output: number; inputs: number[] } {
  if (what === "value") return { output: index, inputs: [] };
  if (what === "jacobian") return { output: Math.floor(index / n), inputs: [index % n] };
  return { output: Math.floor(index / (n * n)), inputs: [Math.floor(index / n) % n, index % n] };
}
