/** Points are rounded as the kernel rounds them. */

import { expect, test } from "vitest";
import { precision, roundPoint } from "../src/dtypes";

const leaf = (dtype: string, ...shape: number[]) => ({ name: "x", shape, dtype });

test("each leaf is rounded to its own dtype", () => {
  const rounded = roundPoint(
    [0.1, 0.1, 0.1, 0.1],
    ["float64", "float32", "float16", "bfloat16"].map((d) => leaf(d)),
  );
  expect([...rounded]).toEqual([0.1, Math.fround(0.1), 0.0999755859375, 0.10009765625]);
  expect([...roundPoint([0.1, 0.1], [leaf("float32", 2)])]).toEqual([Math.fround(0.1), Math.fround(0.1)]);
});

test("half precision at its ends, and ties to even", () => {
  const half = (x: number) => roundPoint([x], [leaf("float16")])[0];
  expect([65504, 65519, 65520, -1e9].map(half)).toEqual([65504, 65504, Infinity, -Infinity]);
  expect([2 ** -24, 2 ** -25, 3 * 2 ** -25].map(half)).toEqual([2 ** -24, 0, 2 ** -23]);
  expect([2049, 2051, -2049].map(half)).toEqual([2048, 2052, -2048]);
  expect(half(Number.NaN)).toBeNaN();
  expect(roundPoint([1 + 2 ** -8, 1 + 3 * 2 ** -8, 3.5e38], [leaf("bfloat16", 3)])).toEqual(
    Float64Array.of(1, 1 + 2 ** -6, Infinity),
  );
});

test("agreement is that of the least exact dtype", () => {
  expect(precision([leaf("float64"), leaf("float32")]).agreement).toBe(1e-4);
  expect(precision([leaf("float64")]).agreement).toBe(1e-9);
});
