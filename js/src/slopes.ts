/** First and second derivatives, at x or (a, b) where the value is v; written by
 * `python -m jaxdiff_magic.engines.symbolic.shipped`. */

import { digamma, logistic, tetragamma, trigamma } from "./special";

export const slopes = {
  square: {
    d: (x: number) => 2 * x,
    dd: () => 2,
  },
  sqrt: {
    d: (_x: number, v: number) => 1 / (2 * v),
    dd: (x: number, v: number) => -1 / (4 * v * x),
  },
  rsqrt: {
    d: (x: number, v: number) => -v / (2 * x),
    dd: (x: number, v: number) => (3 * v) / (4 * x * x),
  },
  cbrt: {
    d: (_x: number, v: number) => 1 / (3 * v * v),
    dd: (x: number, v: number) => -2 / (9 * v * v * x),
  },
  exp: {
    d: (_x: number, v: number) => v,
    dd: (_x: number, v: number) => v,
  },
  exp2: {
    d: (_x: number, v: number) => Math.LN2 * v,
    dd: (_x: number, v: number) => 0.48045301391820144 * v,
  },
  expm1: {
    d: (x: number) => Math.exp(x),
    dd: (x: number) => Math.exp(x),
  },
  log: {
    d: (x: number) => 1 / x,
    dd: (x: number) => -1 / (x * x),
  },
  log1p: {
    d: (x: number) => 1 / (x + 1),
    dd: (x: number) => -1 / (x + 1) ** 2,
  },
  log2: {
    d: (x: number) => Math.LOG2E / x,
    dd: (x: number) => -Math.LOG2E / (x * x),
  },
  logistic: {
    d: (x: number, v: number) => v * logistic(-x),
    dd: (x: number, v: number) => v * (logistic(-x) - v) * logistic(-x),
  },
  sin: {
    d: (x: number) => Math.cos(x),
    dd: (_x: number, v: number) => -v,
  },
  cos: {
    d: (x: number) => -Math.sin(x),
    dd: (_x: number, v: number) => -v,
  },
  tan: {
    d: (_x: number, v: number) => v * v + 1,
    dd: (_x: number, v: number) => 2 * v * (v * v + 1),
  },
  asin: {
    d: (x: number) => 1 / Math.sqrt((x + 1) * (1 - x)),
    dd: (x: number) => x / (Math.sqrt((x + 1) * (1 - x)) * (x + 1) * (1 - x)),
  },
  acos: {
    d: (x: number) => -1 / Math.sqrt((x + 1) * (1 - x)),
    dd: (x: number) => -x / (Math.sqrt((x + 1) * (1 - x)) * (x + 1) * (1 - x)),
  },
  atan: {
    d: (x: number) => 1 / (x * x + 1),
    dd: (x: number) => (-2 * x) / (x * x + 1) ** 2,
  },
  sinh: {
    d: (x: number) => Math.cosh(x),
    dd: (_x: number, v: number) => v,
  },
  cosh: {
    d: (x: number) => Math.sinh(x),
    dd: (_x: number, v: number) => v,
  },
  tanh: {
    d: (x: number) => 1 / Math.cosh(x) ** 2,
    dd: (x: number, v: number) => (-2 * v) / Math.cosh(x) ** 2,
  },
  asinh: {
    d: (x: number) => 1 / Math.sqrt(x * x + 1),
    dd: (x: number) => -x * (x * x + 1) ** -1.5,
  },
  acosh: {
    d: (x: number) => 1 / Math.sqrt((x + 1) * (x - 1)),
    dd: (x: number) => -x / (Math.sqrt((x + 1) * (x - 1)) * (x + 1) * (x - 1)),
  },
  atanh: {
    d: (x: number) => 1 / ((x + 1) * (1 - x)),
    dd: (x: number) => (2 * x) / ((x + 1) ** 2 * (1 - x) ** 2),
  },
  erf: {
    d: (x: number) => 1.1283791670955126 * Math.exp(-x * x),
    dd: (x: number) => -2.256758334191025 * x * Math.exp(-x * x),
  },
  erfc: {
    d: (x: number) => -1.1283791670955126 * Math.exp(-x * x),
    dd: (x: number) => 2.256758334191025 * x * Math.exp(-x * x),
  },
  lgamma: {
    d: (x: number) => digamma(x),
    dd: (x: number) => trigamma(x),
  },
  digamma: {
    d: (x: number) => trigamma(x),
    dd: (x: number) => tetragamma(x),
  },
  atan2: {
    da: (a: number, b: number) => b / (a * a + b * b),
    db: (a: number, b: number) => -a / (a * a + b * b),
    daa: (a: number, b: number) => (-2 * a * b) / (a * a + b * b) ** 2,
    dab: (a: number, b: number) => ((a + b) * (a - b)) / (a * a + b * b) ** 2,
    dbb: (a: number, b: number) => (2 * a * b) / (a * a + b * b) ** 2,
  },
};
