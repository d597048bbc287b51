/** Floating-point types: rounding a number to one, and how closely two computations in one can be asked to agree. */

import type { Leaf } from "./wire";

interface Dtype {
  round: (x: number) => number;
  /** Half the distance from 1 to the next number. */
  eps: number;
  /** Two computations agree when they differ by less than this part of an entry. */
  agreement: number;
  /** Below it digits are lost, or everything: many machines have no subnormal numbers. */
  smallest: number;
}

const dtypes: Record<string, Dtype> = {
  float64: { round: (x) => x, eps: 2 ** -53, agreement: 1e-9, smallest: 2 ** -1022 },
  float32: { round: Math.fround, eps: 2 ** -24, agreement: 1e-4, smallest: 2 ** -126 },
  float16: { round: (x) => roundTo(x, 11, -24, 65520), eps: 2 ** -11, agreement: 2e-2, smallest: 2 ** -24 },
  bfloat16: { round: (x) => roundTo(x, 8, -133, 2 ** 128), eps: 2 ** -8, agreement: 1e-1, smallest: 2 ** -126 },
};

/** A dtype that is not listed (an 8-bit float) is neither rounded to nor asked for much. */
const coarse: Dtype = { round: (x) => x, eps: 2 ** -4, agreement: 0.5, smallest: 2 ** -9 };

function dtype(name: string): Dtype {
  return dtypes[name] ?? coarse;
}

/** To the nearest multiple of the last of `digits` bits, ties to even; `lowest` is the exponent of the smallest number,
 * and from `overflow` on it is infinity. */
function roundTo(x: number, digits: number, lowest: number, overflow: number): number {
  if (x === 0 || !Number.isFinite(x)) return x;
  const exponent = Math.floor(Math.log2(Math.abs(x)));
  const unit = 2 ** Math.max(exponent - digits + 1, lowest);
  const whole = Math.round(Math.abs(x) / unit);
  const even = Math.abs(((Math.abs(x) / unit) % 1) - 0.5) === 0 && whole % 2 === 1 ? whole - 1 : whole;
  return Math.abs(even * unit) >= overflow ? Math.sign(x) * Number.POSITIVE_INFINITY : Math.sign(x) * even * unit;
}

/** A number as a dtype has it. */
export function round(value: number, name: string): number {
  return dtype(name).round(value);
}

export function size(leaf: Leaf): number {
  return leaf.shape.reduce((product, length) => product * length, 1);
}

/** The point that the kernel evaluates when it is given this one: each number in the dtype of its leaf. */
export function roundPoint(point: ArrayLike<number>, leaves: Leaf[]): Float64Array {
  const rounded = Float64Array.from(point);
  let i = 0;
  for (const leaf of leaves) {
    const { round } = dtype(leaf.dtype);
    for (const end = i + size(leaf); i < end; i++) rounded[i] = round(rounded[i]!);
  }
  return rounded;
}

/** Of the least exact dtype among the leaves. */
export function precision(leaves: Leaf[]): { eps: number; agreement: number; smallest: number } {
  return leaves.map((leaf) => dtype(leaf.dtype)).reduce((a, b) => (b.agreement > a.agreement ? b : a), dtypes.float64!);
}
