/** Every operation's partial derivatives against central differences of its values, and special functions against mpmath. */

import { describe, expect, test } from "vitest";
import { binary, unary } from "../src/functions";
import { digamma, erf, erfc, lgamma, tetragamma, trigamma } from "../src/special";

/** Points inside a function's domain and away from its kinks; [0.3, 1.7, -0.6] where none is named. */
const points: Record<string, number[]> = {
  sqrt: [0.3, 4],
  rsqrt: [0.3, 4],
  log: [0.3, 4],
  log2: [0.3, 4],
  acosh: [1.3, 4],
  asin: [0.3, -0.8],
  acos: [0.3, -0.8],
  atanh: [0.3, -0.8],
  log1p: [0.3, -0.7],
  lgamma: [0.3, 1.7, 13.5, -0.6, -3.3],
  digamma: [0.3, 1.7, 13.5, -0.6, -3.3],
};
const pairs: Record<string, [number, number][]> = {
  pow: [
    [1.3, 2.4],
    [0.4, -1.5],
    [2, 0],
  ],
  rem: [
    [5.3, 2],
    [-5.3, 2.1],
  ],
};
const somePairs: [number, number][] = [
  [0.7, 1.9],
  [-1.2, 0.4],
  [2.5, -0.8],
];

function slope(f: (x: number) => number, x: number): number {
  const h = 1e-3 * Math.max(1, Math.abs(x)) * 0.3;
  return (8 * (f(x + h) - f(x - h)) - (f(x + 2 * h) - f(x - 2 * h))) / (12 * h);
}

function near(got: number, wanted: number): void {
  expect(Math.abs(got - wanted)).toBeLessThan(2e-8 * Math.max(1, Math.abs(wanted)));
}

describe("functions of one number", () => {
  for (const [name, f] of Object.entries(unary)) {
    const { d, dd } = f;
    if (!d) continue;
    test(name, () => {
      for (const x of points[name] ?? [0.3, 1.7, -0.6]) {
        near(d(x, f.value(x)), slope(f.value, x));
        near(
          dd ? dd(x, f.value(x)) : 0,
          slope((y) => d(y, f.value(y)), x),
        );
      }
    });
  }
});

describe("functions of two numbers", () => {
  for (const [name, f] of Object.entries(binary)) {
    const { da, db, daa, dab, dbb } = f;
    if (!da || !db) continue;
    test(name, () => {
      for (const [a, b] of pairs[name] ?? somePairs) {
        const v = f.value(a, b);
        const inA = (g: (a: number, b: number, v: number) => number) => slope((x) => g(x, b, f.value(x, b)), a);
        const inB = (g: (a: number, b: number, v: number) => number) => slope((y) => g(a, y, f.value(a, y)), b);
        near(da(a, b, v), inA(f.value));
        near(db(a, b, v), inB(f.value));
        near(daa ? daa(a, b, v) : 0, inA(da));
        near(dab ? dab(a, b, v) : 0, inB(da));
        near(dab ? dab(a, b, v) : 0, inA(db));
        near(dbb ? dbb(a, b, v) : 0, inB(db));
      }
    });
  }
});

test("kinks have the slopes that JAX gives them", () => {
  expect(unary.abs?.d?.(0, 0)).toBe(1);
  expect(unary.abs?.d?.(-0, 0)).toBe(1);
  expect(binary.max?.da?.(1, 1, 1)).toBe(0.5);
  expect(binary.min?.db?.(1, 1, 1)).toBe(0.5);
  expect(unary.sign?.d).toBeUndefined();
});

test("a power of a constant whole exponent has derivatives at negative bases and at 0", () => {
  const pow = binary.pow!;
  expect(pow.value(-2, 3)).toBe(-8);
  expect(pow.da!(-2, 3, -8)).toBe(12);
  expect(pow.daa!(-2, 3, -8)).toBe(-12);
  expect(pow.da!(0, 1, 0)).toBe(1);
  expect(pow.daa!(0, 2, 0)).toBe(2);
  expect(pow.daa!(0, 1, 0)).toBe(0);
  expect(pow.da!(0, 0, 1)).toBe(0);
  expect(pow.value(1, Number.NaN)).toBe(1);
});

test("half rounds to even", () => {
  expect([0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 2.4, 2.6, -7].map(unary.round!.value)).toEqual([
    0, 2, 2, -0, -2, -2, 2, 3, -7,
  ]);
});

describe("special functions have the digits of double precision", () => {
  const truth: [string, (x: number) => number, number, number][] = [
    ["erf", erf, 1e-10, 1.1283791670955126e-10],
    ["erf", erf, 0.4, 0.42839235504666845],
    ["erf", erf, -1.2, -0.9103139782296353],
    ["erf", erf, 1.6, 0.976348383344644],
    ["erf", erf, 3.1, 0.9999883513426328],
    ["erfc", erfc, 0.3, 0.6713732405408726],
    ["erfc", erfc, 1.49, 0.03510213515679579],
    ["erfc", erfc, 1.51, 0.03272325187128836],
    ["erfc", erfc, 2.5, 0.0004069520174449589],
    ["erfc", erfc, -1.7, 1.9837904585907746],
    ["erfc", erfc, 5.5, 7.357847917974398e-15],
    ["erfc", erfc, 12.3, 9.029925149482068e-68],
    ["erfc", erfc, 26.5, 2.2109076642637343e-307],
    ["lgamma", lgamma, 1e-5, 11.512919692895826],
    ["lgamma", lgamma, 0.3, 1.0957979948180756],
    ["lgamma", lgamma, 1.5, -0.12078223763524522],
    ["lgamma", lgamma, 3.3, 0.9870985778947344],
    ["lgamma", lgamma, 11.9, 17.25847745059552],
    ["lgamma", lgamma, 1234.5, 7550.550901077895],
    ["lgamma", lgamma, -0.6, 1.3075034414677744],
    ["lgamma", lgamma, -7.3, -7.779101629826852],
    ["digamma", digamma, 1e-5, -100000.57719921567],
    ["digamma", digamma, 0.3, -3.502524222200133],
    ["digamma", digamma, 1.5, 0.03648997397857652],
    ["digamma", digamma, 3.3, 1.0348224890596216],
    ["digamma", digamma, 1234.5, 7.118016231827998],
    ["digamma", digamma, -0.6, -0.8947178779184493],
    ["digamma", digamma, -7.3, 4.33730730551005],
    ["trigamma", trigamma, 0.3, 12.245364546107732],
    ["trigamma", trigamma, 3.3, 0.3535015418410618],
    ["trigamma", trigamma, 50.1, 0.020160607493585975],
    ["trigamma", trigamma, -0.6, 10.053134368307374],
    ["tetragamma", tetragamma, 0.3, -75.27253658872604],
    ["tetragamma", tetragamma, 3.3, -0.12375118526494272],
    ["tetragamma", tetragamma, 50.1, -0.0004064363312457207],
    ["tetragamma", tetragamma, -0.6, -22.979869364319093],
  ];
  test.each(truth)("%s at %d", (_, f, x, wanted) => {
    expect(Math.abs(f(x) - wanted)).toBeLessThanOrEqual(1e-13 * Math.abs(wanted));
  });
  test("at infinity and where they are not defined", () => {
    expect([erf(Number.POSITIVE_INFINITY), erfc(Number.NEGATIVE_INFINITY), erf(Number.NaN)]).toEqual([
      1,
      2,
      Number.NaN,
    ]);
    expect([lgamma(0), lgamma(-2), digamma(-2)]).toEqual([
      Number.POSITIVE_INFINITY,
      Number.POSITIVE_INFINITY,
      Number.NaN,
    ]);
  });
});
