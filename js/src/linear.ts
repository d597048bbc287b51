/** Small dense linear algebra: symmetric eigenvalues by Jacobi rotations, linear solve, Newton's method to a stationary
 * point. Matrices are n * n numbers, row by row. */

export interface Eigen {
  /** Ascending. */
  values: Float64Array;
  /** vectors[k] is the unit eigenvector of values[k]. */
  vectors: Float64Array[];
}

/** Cyclic Jacobi (Golub & Van Loan, 8.5); of a matrix that is not symmetric, its symmetric part. All NaN where the
 * matrix has an entry that is not finite. */
export function symmetricEigen(matrix: ArrayLike<number>, n: number): Eigen {
  const a = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) a[i * n + j] = (matrix[i * n + j]! + matrix[j * n + i]!) / 2;
  if (!a.every(Number.isFinite)) {
    return { values: new Float64Array(n).fill(Number.NaN), vectors: basis(n).map((v) => v.fill(Number.NaN)) };
  }
  const vectors = basis(n);
  for (let sweep = 0; sweep < 60; sweep++) {
    let rotated = false;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) rotated = rotate(a, vectors, n, p, q) || rotated;
    if (!rotated) break;
  }
  const order = vectors.map((_, k) => k).sort((i, j) => a[i * n + i]! - a[j * n + j]!);
  return { values: Float64Array.from(order, (k) => a[k * n + k]!), vectors: order.map((k) => vectors[k]!) };
}

/** Makes a[p][q] zero; false when it is already negligible. */
function rotate(a: Float64Array, vectors: Float64Array[], n: number, p: number, q: number): boolean {
  const off = a[p * n + q]!;
  const scale = Math.sqrt(Math.abs(a[p * n + p]!)) * Math.sqrt(Math.abs(a[q * n + q]!));
  if (off === 0 || Math.abs(off) < 1e-17 * scale) return false;
  const tau = (a[q * n + q]! - a[p * n + p]!) / (2 * off);
  const t = Math.abs(tau) > 1e150 ? 0.5 / tau : (tau >= 0 ? 1 : -1) / (Math.abs(tau) + Math.sqrt(1 + tau * tau));
  const c = 1 / Math.sqrt(1 + t * t);
  const s = t * c;
  for (let k = 0; k < n; k++) turn(a, k * n + p, a, k * n + q, c, s);
  for (let k = 0; k < n; k++) turn(a, p * n + k, a, q * n + k, c, s);
  a[p * n + q] = a[q * n + p] = 0;
  for (let k = 0; k < n; k++) turn(vectors[p]!, k, vectors[q]!, k, c, s);
  return true;
}

function turn(x: Float64Array, i: number, y: Float64Array, j: number, c: number, s: number): void {
  const xi = x[i]!;
  const yj = y[j]!;
  x[i] = c * xi - s * yj;
  y[j] = s * xi + c * yj;
}

function basis(n: number): Float64Array[] {
  return Array.from({ length: n }, (_, k) => new Float64Array(n).fill(1, k, k + 1));
}

/** x with matrix x = right, by elimination with partial pivoting; null where the matrix is singular. */
export function solve(matrix: ArrayLike<number>, right: ArrayLike<number>): Float64Array | null {
  const n = right.length;
  const a = Float64Array.from(matrix);
  const x = Float64Array.from(right);
  for (let k = 0; k < n; k++) {
    let pivot = k;
    for (let i = k + 1; i < n; i++) if (Math.abs(a[i * n + k]!) > Math.abs(a[pivot * n + k]!)) pivot = i;
    if (!(Math.abs(a[pivot * n + k]!) > 0)) return null;
    if (pivot !== k) {
      for (let j = k; j < n; j++) [a[k * n + j], a[pivot * n + j]] = [a[pivot * n + j]!, a[k * n + j]!];
      [x[k], x[pivot]] = [x[pivot]!, x[k]!];
    }
    for (let i = k + 1; i < n; i++) {
      const factor = a[i * n + k]! / a[k * n + k]!;
      if (factor === 0) continue;
      for (let j = k; j < n; j++) a[i * n + j]! -= factor * a[k * n + j]!;
      x[i]! -= factor * x[k]!;
    }
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let j = i + 1; j < n; j++) x[i]! -= a[i * n + j]! * x[j]!;
    x[i]! /= a[i * n + i]!;
  }
  return x.every(Number.isFinite) ? x : null;
}

export function norm(x: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < x.length; i++) largest = Math.max(largest, Math.abs(x[i]!));
  if (largest === 0 || !Number.isFinite(largest)) return largest;
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += (x[i]! / largest) ** 2;
  return largest * Math.sqrt(sum);
}

export interface Slope {
  gradient: Float64Array;
  hessian: Float64Array;
}

/** Newton's method on the gradient: yields the points, the first one included, and ends at a stationary point of any
 * kind or where no step comes nearer to one.
 *
 * Each step is halved until the step that the same Hessian would make next is shorter: unlike the gradient's own norm,
 * that does not depend on how the inputs are scaled, and long curved valleys do not stop it. Deuflhard, Newton Methods
 * for Nonlinear Problems, 3.3. `slope` is null where the function cannot be evaluated. */
export function* newtonPath(
  slope: (point: Float64Array) => Slope | null,
  start: ArrayLike<number>,
  limit = 100,
): Generator<Float64Array, void> {
  let point: Float64Array = Float64Array.from(start);
  let here = slope(point);
  let length = 1;
  yield point;
  for (let k = 0; k < limit && here && norm(here.gradient) > 0; k++) {
    const step = newtonStep(here);
    if (!step) return;
    let next: { point: Float64Array; slope: Slope } | null = null;
    for (length = Math.min(1, 4 * length); length > 1e-9 && !next; length /= 2) {
      next = shortened(slope, point, here, step, length);
    }
    length *= 2;
    if (!next || next.point.every((x, i) => x === point[i])) return;
    point = next.point;
    here = next.slope;
    yield point;
  }
}

/** Where a part of the step leads; null when it does not bring the stationary point nearer. */
function shortened(
  slope: (point: Float64Array) => Slope | null,
  from: Float64Array,
  here: Slope,
  step: Float64Array,
  length: number,
): { point: Float64Array; slope: Slope } | null {
  const point = from.map((x, i) => x + length * step[i]!);
  const there = slope(point);
  const rest =
    there && (norm(there.gradient) === 0 ? there.gradient : newtonStep({ ...here, gradient: there.gradient }));
  return there && rest && norm(rest) <= (1 - length / 4) * norm(step) ? { point, slope: there } : null;
}

/** -hessian⁻¹ gradient; where the Hessian is singular, the shortest step of those that fit best. */
export function newtonStep({ gradient, hessian }: Slope): Float64Array | null {
  const n = gradient.length;
  const direct = solve(
    hessian,
    gradient.map((g) => -g),
  );
  if (direct) return direct;
  const { values, vectors } = symmetricEigen(hessian, n);
  const largest = Math.max(...Array.from(values, Math.abs));
  const step = new Float64Array(n);
  vectors.forEach((vector, k) => {
    if (Math.abs(values[k]!) <= 1e-12 * largest) return;
    const along = vector.reduce((sum, x, i) => sum + x * gradient[i]!, 0) / values[k]!;
    for (let i = 0; i < n; i++) step[i]! -= along * vector[i]!;
  });
  return step.every(Number.isFinite) && norm(step) > 0 ? step : null;
}
