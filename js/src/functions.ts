/** The operations of a tape: for each its value and its first and second partial derivatives, one entry an operation.
 *
 * Where a function has no derivative, JAX's convention is followed: |x| has slope 1 at 0, max and min split a tie in half.
 */

import { digamma, erf, erfc, lgamma, tetragamma, trigamma } from "./special";

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

const LN2 = Math.LN2;
const BELL = 2 / Math.sqrt(Math.PI);
const one = () => 1;

function logistic(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** Half goes to the even neighbour, as in IEEE 754 and unlike Math.round. */
function roundHalfEven(x: number): number {
  const r = Math.round(x);
  return Math.abs(x % 1) === 0.5 && r % 2 !== 0 ? r - 1 : r;
}

export const unary: Record<string, Unary> = {
  neg: { value: (x) => -x, d: () => -1 },
  abs: { value: Math.abs, d: (x) => (x >= 0 ? 1 : -1), border: Math.abs },
  sqrt: { value: Math.sqrt, d: (_, v) => 0.5 / v, dd: (x, v) => -0.25 / (x * v) },
  rsqrt: { value: (x) => 1 / Math.sqrt(x), d: (x, v) => (-0.5 * v) / x, dd: (x, v) => (0.75 * v) / (x * x) },
  cbrt: { value: Math.cbrt, d: (_, v) => 1 / (3 * v * v), dd: (x, v) => -2 / (9 * v * v * x) },
  square: { value: (x) => x * x, d: (x) => 2 * x, dd: () => 2 },
  reciprocal: { value: (x) => 1 / x, d: (_, v) => -v * v, dd: (_, v) => 2 * v * v * v },

  exp: { value: Math.exp, d: (_, v) => v, dd: (_, v) => v },
  exp2: { value: (x) => 2 ** x, d: (_, v) => LN2 * v, dd: (_, v) => LN2 * LN2 * v },
  expm1: { value: Math.expm1, d: (x) => Math.exp(x), dd: (x) => Math.exp(x), cancels: true },
  log: { value: Math.log, d: (x) => 1 / x, dd: (x) => -1 / (x * x) },
  log1p: { value: Math.log1p, d: (x) => 1 / (1 + x), dd: (x) => -1 / ((1 + x) * (1 + x)) },
  log2: { value: Math.log2, d: (x) => 1 / (x * LN2), dd: (x) => -1 / (x * x * LN2) },
  logistic: {
    value: logistic,
    d: (x, v) => v * logistic(-x),
    dd: (x, v) => v * logistic(-x) * (logistic(-x) - v),
    cancels: true,
  },

  sin: { value: Math.sin, d: (x) => Math.cos(x), dd: (_, v) => -v },
  cos: { value: Math.cos, d: (x) => -Math.sin(x), dd: (_, v) => -v },
  tan: { value: Math.tan, d: (_, v) => 1 + v * v, dd: (_, v) => 2 * v * (1 + v * v) },
  asin: {
    value: Math.asin,
    d: (x) => 1 / Math.sqrt((1 - x) * (1 + x)),
    dd: (x) => x * ((1 - x) * (1 + x)) ** -1.5,
  },
  acos: {
    value: Math.acos,
    d: (x) => -1 / Math.sqrt((1 - x) * (1 + x)),
    dd: (x) => -x * ((1 - x) * (1 + x)) ** -1.5,
  },
  atan: { value: Math.atan, d: (x) => 1 / (1 + x * x), dd: (x) => (-2 * x) / ((1 + x * x) * (1 + x * x)) },

  sinh: { value: Math.sinh, d: (x) => Math.cosh(x), dd: (_, v) => v },
  cosh: { value: Math.cosh, d: (x) => Math.sinh(x), dd: (_, v) => v },
  tanh: {
    value: Math.tanh,
    d: (x) => Math.cosh(x) ** -2,
    dd: (x, v) => -2 * v * Math.cosh(x) ** -2,
    cancels: true,
  },
  asinh: { value: Math.asinh, d: (x) => 1 / Math.sqrt(1 + x * x), dd: (x) => -x * (1 + x * x) ** -1.5 },
  acosh: {
    value: Math.acosh,
    d: (x) => 1 / Math.sqrt((x - 1) * (x + 1)),
    dd: (x) => -x * ((x - 1) * (x + 1)) ** -1.5,
  },
  atanh: {
    value: Math.atanh,
    d: (x) => 1 / ((1 - x) * (1 + x)),
    dd: (x) => (2 * x) / ((1 - x) * (1 + x)) ** 2,
  },

  erf: { value: erf, d: (x) => BELL * Math.exp(-x * x), dd: (x) => -2 * x * BELL * Math.exp(-x * x) },
  erfc: { value: erfc, d: (x) => -BELL * Math.exp(-x * x), dd: (x) => 2 * x * BELL * Math.exp(-x * x) },
  lgamma: { value: lgamma, d: (x) => digamma(x), dd: (x) => trigamma(x) },
  digamma: { value: digamma, d: (x) => trigamma(x), dd: (x) => tetragamma(x) },

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
  atan2: {
    value: Math.atan2,
    da: (a, b) => b / (a * a + b * b),
    db: (a, b) => -a / (a * a + b * b),
    daa: (a, b) => (-2 * a * b) / (a * a + b * b) ** 2,
    dab: (a, b) => (a * a - b * b) / (a * a + b * b) ** 2,
    dbb: (a, b) => (2 * a * b) / (a * a + b * b) ** 2,
  },
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
