/** What the numbers at a point say of its surroundings: value + gradient · d + ½ dᵀ Hessian d. */

import type { Numbers } from "../../host";

export interface Local {
  point: Float64Array;
  value: number;
  /** NaN where the derivative was not computed. */
  gradient: Float64Array;
  /** Row by row; NaN where it was not computed. */
  hessian: Float64Array;
}

/** The numbers of output `k`. */
export function localOf(numbers: Numbers, k: number): Local {
  const n = numbers.point.length;
  const unknown = (size: number) => new Float64Array(size).fill(Number.NaN);
  return {
    point: numbers.point,
    value: numbers.value[k] ?? Number.NaN,
    gradient: numbers.jacobian?.subarray(k * n, (k + 1) * n) ?? unknown(n),
    hessian: numbers.hessian?.subarray(k * n * n, (k + 1) * n * n) ?? unknown(n * n),
  };
}

export function slopeAlong({ gradient }: Local, direction: ArrayLike<number>): number {
  let sum = 0;
  gradient.forEach((entry, i) => {
    // A component that stays where it is does not matter, not even if its derivative is not finite.
    const along = direction[i] ?? 0;
    if (along !== 0) sum += entry * along;
  });
  return sum;
}

export function curvatureAlong({ hessian, point }: Local, direction: ArrayLike<number>): number {
  const n = point.length;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const a = direction[i] ?? 0;
    if (a === 0) continue;
    for (let j = 0; j < n; j++) {
      const b = direction[j] ?? 0;
      if (b !== 0) sum += a * b * (hessian[i * n + j] ?? Number.NaN);
    }
  }
  return sum;
}

/** The quadratic model of the function, as far as derivatives are known. */
export function modelAt(local: Local, at: ArrayLike<number>): number {
  const step = Float64Array.from(at, (value, i) => value - (local.point[i] ?? 0));
  const slope = slopeAlong(local, step);
  const curvature = curvatureAlong(local, step);
  return local.value + slope + (Number.isNaN(curvature) ? 0 : 0.5 * curvature);
}
