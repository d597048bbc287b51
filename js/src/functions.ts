/** The operations of a tape: for each its value and its first and second partial derivatives, one entry an operation.
 *
 * The derivatives of the smooth functions are SymPy's, in forms that lose no digits (`slopes.ts`).
 * Where a function has no derivative, JAX's convention is followed: |x| has slope 1 at 0, max and min split a tie in half.
 */

import { slopes } from "./slopes";
import { digamma, erf, erfc, lgamma, logistic } from "./special";

/** d is the first derivative at x, where the value is v, and dd the second; without d, the function is flat: nothing
 * flows through it. Without dd, the second derivative is 0 everywhere. */
export interface Unary {
  value: (x: number) => number;
  d?: (x: number, v: number) => number;
  dd?: (x: number, v: number) => number;
  /** JAX computes d from the value, as 1 - v² or the like, and loses a rounding of 1 where d is small; a rounded sweep
   * shows that, since d itself here loses nothing. */
  cancels?: true;
  /** How far x is from the nearest kink or jump, where there are any. */
  border?: (x: number) => number;
}

/** The partial derivatives at (a, b), where the value is v. */
export interface Binary {
  value: (a: number, b: number) => number;
  da?: (a: number, b: number, v: number) => number;
  db?: (a: number, b: number, v: number) => number;
  daa?: (a: number, b: number, v: number) => number;
  dab?: (a: number, b: number, v: number) => number;
  dbb?: (a: number, b: number, v: number) => number;
  /** Whether there is a kink or a jump where a = b. */
  border?: true;
}

const one = () => 1;

/** Half goes to the even neighbour, as in IEEE 754 and unlike Math.round. */
function roundHalfEven(x: number): number {
  const r = Math.round(x);
  return Math.abs(x % 1) === 0.5 && r % 2 !== 0 ? r - 1 : r;
}

export const unary: Record<string, Unary> = {
  neg: { value: (x) => -x, d: () => -1 },
  abs: { value: Math.abs, d: (x) => (x >= 0 ? 1 : -1), border: Math.abs },
  sqrt: { value: Math.sqrt, ...slopes.sqrt },
  rsqrt: { value: (x) => 1 / Math.sqrt(x), ...slopes.rsqrt },
  cbrt: { value: Math.cbrt, ...slopes.cbrt },
  square: { value: (x) => x * x, ...slopes.square },
  reciprocal: { value: (x) => 1 / x, d: (_, v) => -v * v, dd: (_, v) => 2 * v * v * v },

  exp: { value: Math.exp, ...slopes.exp },
  exp2: { value: (x) => 2 ** x, ...slopes.exp2 },
  expm1: { value: Math.expm1, ...slopes.expm1, cancels: true },
  log: { value: Math.log, ...slopes.log },
  log1p: { value: Math.log1p, ...slopes.log1p },
  log2: { value: Math.log2, ...slopes.log2 },
  logistic: { value: logistic, ...slopes.logistic, cancels: true },

  sin: { value: Math.sin, ...slopes.sin },
  cos: { value: Math.cos, ...slopes.cos },
  tan: { value: Math.tan, ...slopes.tan },
  asin: { value: Math.asin, ...slopes.asin },
  acos: { value: Math.acos, ...slopes.acos },
  atan: { value: Math.atan, ...slopes.atan },

  sinh: { value: Math.sinh, ...slopes.sinh },
  cosh: { value: Math.cosh, ...slopes.cosh },
  tanh: { value: Math.tanh, ...slopes.tanh, cancels: true },
  asinh: { value: Math.asinh, ...slopes.asinh },
  acosh: { value: Math.acosh, ...slopes.acosh },
  atanh: { value: Math.atanh, ...slopes.atanh },

  erf: { value: erf, ...slopes.erf },
  erfc: { value: erfc, ...slopes.erfc },
  lgamma: { value: lgamma, ...slopes.lgamma },
  digamma: { value: digamma, ...slopes.digamma },

  sign: { value: Math.sign, border: Math.abs },
  floor: { value: Math.floor, border: (x) => Math.abs(x - Math.round(x)) },
  ceil: { value: Math.ceil, border: (x) => Math.abs(x - Math.round(x)) },
  round: { value: roundHalfEven, border: (x) => Math.abs(Math.abs(x % 1) - 0.5) },
  stop: { value: (x) => x },
  not: { value: (x) => (x === 0 ? 1 : 0) },
};

/** The slope in the exponent is 0 at base 0, JAX's choice, and does not exist left of it. */
function logBase(a: number): number {
  return a === 0 ? 0 : Math.log(a);
}

/** C's pow: 1 to any power is 1, also to NaN and infinity. */
function power(a: number, b: number): number {
  return a === 1 ? 1 : a ** b;
}

export const binary: Record<string, Binary> = {
  add: { value: (a, b) => a + b, da: one, db: one },
  sub: { value: (a, b) => a - b, da: one, db: () => -1 },
  mul: { value: (a, b) => a * b, da: (_, b) => b, db: (a) => a, dab: one },
  div: {
    value: (a, b) => a / b,
    da: (_, b) => 1 / b,
    db: (_, b, v) => -v / b,
    dab: (_, b) => -1 / (b * b),
    dbb: (_, b, v) => (2 * v) / (b * b),
  },
  pow: {
    value: power,
    da: (a, b) => (b === 0 ? 0 : b * power(a, b - 1)),
    db: (a, _, v) => (a === 0 ? 0 : logBase(a) * v),
    daa: (a, b) => (b === 0 || b === 1 ? 0 : b * (b - 1) * power(a, b - 2)),
    dab: (a, b) => (a === 0 && b > 1 ? 0 : power(a, b - 1) * (1 + b * logBase(a))),
    dbb: (a, _, v) => (a === 0 ? 0 : logBase(a) ** 2 * v),
  },
  atan2: { value: Math.atan2, ...slopes.atan2 },
  max: {
    value: Math.max,
    da: (a, b) => (a > b ? 1 : a === b ? 0.5 : 0),
    db: (a, b) => (b > a ? 1 : a === b ? 0.5 : 0),
    border: true,
  },
  min: {
    value: Math.min,
    da: (a, b) => (a < b ? 1 : a === b ? 0.5 : 0),
    db: (a, b) => (b < a ? 1 : a === b ? 0.5 : 0),
    border: true,
  },
  /** The remainder has the sign of a, as in C. */
  rem: { value: (a, b) => a % b, da: one, db: (a, b) => -Math.trunc(a / b) },

  lt: { value: (a, b) => (a < b ? 1 : 0), border: true },
  le: { value: (a, b) => (a <= b ? 1 : 0), border: true },
  gt: { value: (a, b) => (a > b ? 1 : 0), border: true },
  ge: { value: (a, b) => (a >= b ? 1 : 0), border: true },
  eq: { value: (a, b) => (a === b ? 1 : 0), border: true },
  ne: { value: (a, b) => (a !== b ? 1 : 0), border: true },
  and: { value: (a, b) => (a !== 0 && b !== 0 ? 1 : 0) },
  or: { value: (a, b) => (a !== 0 || b !== 0 ? 1 : 0) },
};
