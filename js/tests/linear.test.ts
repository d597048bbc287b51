/** Eigenvalues, solutions and Newton's path of problems with known answers. */

import { expect, test } from "vitest";
import { newtonPath, newtonStep, solve, symmetricEigen } from "../src/linear";

test("a rotated diagonal has its eigenvalues and vectors", () => {
  const { values, vectors } = symmetricEigen([2, 1, 1, 2], 2);
  expect([...values]).toEqual([expect.closeTo(1, 14), expect.closeTo(3, 14)]);
  expect(Math.abs(vectors[1]![0]!)).toBeCloseTo(Math.SQRT1_2, 14);
  expect(vectors[1]![0]! * vectors[1]![1]!).toBeCloseTo(0.5, 14);
});

test("A v = λ v for a matrix of any scale", () => {
  const n = 8;
  for (const scale of [1e-12, 1, 1e12]) {
    const a = Array.from({ length: n * n }, (_, k) => {
      const [i, j] = [Math.floor(k / n), k % n];
      return scale * Math.sin(1 + Math.min(i, j) * 3 + Math.max(i, j) * 1.7);
    });
    const { values, vectors } = symmetricEigen(a, n);
    vectors.forEach((v, k) => {
      for (let i = 0; i < n; i++) {
        const av = v.reduce((sum, x, j) => sum + a[i * n + j]! * x, 0);
        expect(Math.abs(av - values[k]! * v[i]!)).toBeLessThan(1e-13 * scale);
      }
    });
    expect([...values]).toEqual([...values].sort((x, y) => x - y));
  }
});

test("a matrix with NaN has eigenvalues NaN, one of size 0 none", () => {
  expect([...symmetricEigen([Number.NaN, 0, 0, 1], 2).values]).toEqual([Number.NaN, Number.NaN]);
  expect(symmetricEigen([], 0).values).toHaveLength(0);
});

test("a system is solved where a pivot is 0, and a singular one is not", () => {
  expect(solve([0, 2, 4, 1], [6, 7])).toEqual(Float64Array.of(1, 3));
  expect(solve([1, 2, 2, 4], [1, 1])).toBeNull();
});

test("of a flat direction Newton's step leaves off", () => {
  expect(newtonStep({ gradient: Float64Array.of(4, 0), hessian: Float64Array.of(2, 0, 0, 0) })).toEqual(
    Float64Array.of(-2, 0),
  );
});

function rosenbrock([x, y]: ArrayLike<number> & Iterable<number>) {
  const [a, b] = [x!, y!];
  return {
    gradient: Float64Array.of(-2 * (1 - a) - 400 * a * (b - a * a), 200 * (b - a * a)),
    hessian: Float64Array.of(2 - 400 * (b - 3 * a * a), -400 * a, -400 * a, 200),
  };
}

test("Newton's path begins at the start and ends at a stationary point", () => {
  const path = [...newtonPath(rosenbrock, [-1.2, 1])];
  expect([...path[0]!]).toEqual([-1.2, 1]);
  expect(path.at(-1)![0]).toBeCloseTo(1, 12);
  expect(path.at(-1)![1]).toBeCloseTo(1, 12);
  expect(path.length).toBeLessThan(50);
});

test("a saddle is a stationary point as well, and where the function ends the path does", () => {
  const saddle = ([x, y]: Float64Array) => ({
    gradient: Float64Array.of(2 * x!, -2 * y!),
    hessian: Float64Array.of(2, 0, 0, -2),
  });
  expect([...[...newtonPath(saddle, [3, -2])].at(-1)!]).toEqual([0, 0]);
  expect([...newtonPath(() => null, [3])]).toEqual([Float64Array.of(3)]);
});
