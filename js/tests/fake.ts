/** Models whose functions are written down by hand, so that tests know every number. */

import type { Model, Numbers, Snapshot, Standing } from "../src/host";
import type { CheckEntry, Cost, PanelState, Strategy } from "../src/wire";

export interface FakeFunction {
  value(point: ArrayLike<number>): number[];
  jacobian(point: ArrayLike<number>): number[];
  hessian(point: ArrayLike<number>): number[];
}

const at = (point: ArrayLike<number>, i: number) => point[i] ?? Number.NaN;

/** x0² x1 + x1³ */
export const cubic: FakeFunction = {
  value: (x) => [at(x, 0) ** 2 * at(x, 1) + at(x, 1) ** 3],
  jacobian: (x) => [2 * at(x, 0) * at(x, 1), at(x, 0) ** 2 + 3 * at(x, 1) ** 2],
  hessian: (x) => [2 * at(x, 1), 2 * at(x, 0), 2 * at(x, 0), 6 * at(x, 1)],
};

/** x² + x + 4 */
export const parabola: FakeFunction = {
  value: (x) => [at(x, 0) ** 2 + at(x, 0) + 4],
  jacobian: (x) => [2 * at(x, 0) + 1],
  hessian: () => [2],
};

/** x³ - 3 x */
export const wave: FakeFunction = {
  value: (x) => [at(x, 0) ** 3 - 3 * at(x, 0)],
  jacobian: (x) => [3 * at(x, 0) ** 2 - 3],
  hessian: (x) => [6 * at(x, 0)],
};

/** 1 / x */
export const pole: FakeFunction = {
  value: (x) => [1 / at(x, 0)],
  jacobian: (x) => [-1 / at(x, 0) ** 2],
  hessian: (x) => [2 / at(x, 0) ** 3],
};

/** (x0² - x1², 2 x0 x1) */
export const square: FakeFunction = {
  value: (x) => [at(x, 0) ** 2 - at(x, 1) ** 2, 2 * at(x, 0) * at(x, 1)],
  jacobian: (x) => [2 * at(x, 0), -2 * at(x, 1), 2 * at(x, 1), 2 * at(x, 0)],
  hessian: () => [2, 0, 0, -2, 0, 2, 2, 0],
};

/** (sum of x)² / 2 + sum of k x_k */
export const sum: FakeFunction = {
  value(x) {
    const values = Array.from(x);
    const total = values.reduce((a, b) => a + b, 0);
    return [total ** 2 / 2 + values.reduce((a, b, k) => a + k * b, 0)];
  },
  jacobian(x) {
    const total = Array.from(x).reduce((a, b) => a + b, 0);
    return Array.from(x, (_, k) => total + k);
  },
  hessian: (x) => new Array(x.length ** 2).fill(1),
};

export function fakeState(f: FakeFunction, point: number[], changes: Partial<PanelState> = {}): PanelState {
  const n = point.length;
  const value = f.value(point);
  const m = value.length;
  const names = (name: string, size: number) =>
    size === 1 ? [name] : Array.from({ length: size }, (_, k) => `${name}[${k}]`);
  const leaf = (name: string, size: number) => ({ name, shape: size === 1 ? [] : [size], dtype: "float64" });
  const inputs = names("x", n);
  const outputs = names("f", m);
  const entries: CheckEntry[] = f.jacobian(point).map((number, k) => ({
    what: m === 1 ? "gradient" : "jacobian",
    output: outputs[Math.floor(k / n)] ?? "f",
    inputs: [inputs[k % n] ?? "x"],
    symbolic: number,
    forward: number,
    reverse: number,
    numeric: number,
    error: 0.5,
    outcome: "proved",
    reason: "",
    why: "",
  }));
  const told = (what: string, values: number[]) => ({ what, values, formulas: null, closed: [], missing: "" });
  return {
    version: 1,
    name: "f",
    signature: `f : ℝ${n > 1 ? "ⁿ" : ""} → ℝ   (float64)`,
    grade: null,
    mine: [],
    verdict: "proved",
    summary: "the formula derived from the code and the one behind JAX's modes are the same expression",
    inputs: [leaf("x", n)],
    outputs: [leaf("f", m)],
    input_names: inputs,
    output_names: outputs,
    point,
    derivatives: [
      told("value", value),
      told(m === 1 ? "gradient" : "jacobian", f.jacobian(point)),
      told("hessian", f.hessian(point)),
    ],
    check: { outcome: "proved", summary: "all entries are proved", entries, left_out: 0, columns: {}, not_covered: [] },
    cost: null,
    curvature: null,
    findings: [],
    findings_left_out: 0,
    leaves: null,
    tape: { nodes: [["input", 0]], outputs: [0], guards: [] },
    tape_missing: "",
    ...changes,
  };
}

export interface FakeModel extends Model {
  /** As if the kernel had answered. */
  announce(standing: Standing, words?: string, numbers?: Numbers): void;
}

export function fakeModel(f: FakeFunction, point: number[], changes: Partial<PanelState> = {}): FakeModel {
  const state = fakeState(f, point, changes);
  const listeners = new Set<(snapshot: Snapshot) => void>();
  const numbersAt = (at: ArrayLike<number>): Numbers => ({
    point: Float64Array.from(at),
    value: Float64Array.from(f.value(at)),
    jacobian: Float64Array.from(f.jacobian(at)),
    hessian: Float64Array.from(f.hessian(at)),
  });
  const report = Float64Array.from(point);
  let current: Snapshot = { point: report, numbers: numbersAt(report), standing: "report", words: "" };
  const tell = (next: Snapshot) => {
    current = next;
    for (const listener of [...listeners]) listener(current);
  };
  return {
    state,
    inputs: point.length,
    outputs: state.output_names.length,
    get current() {
      return current;
    },
    moveTo: (to) => tell({ point: to, numbers: numbersAt(to), standing: "alone", words: "" }),
    reset: () => tell({ point: report, numbers: numbersAt(report), standing: "report", words: "" }),
    evaluate: (at) => (state.tape ? numbersAt(at) : null),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    announce: (standing, words = "", numbers = current.numbers) => tell({ ...current, numbers, standing, words }),
  };
}

export function strategy(mode: string, changes: Partial<Strategy> = {}): Strategy {
  return {
    mode,
    passes: 1,
    flops: 12,
    seconds: 12e-6,
    compile_seconds: 0.054,
    temp_bytes: 128,
    infeasible: "",
    call: "",
    because: "",
    verified: "",
    ...changes,
  };
}

export const fakeCost: Cost = {
  recommended: "reverse",
  reason: "reverse mode needs 1 pass, forward mode 2 passes.",
  call: "jax.grad(f)(x)",
  measured: true,
  note: "",
  rule: "Reverse mode takes one pass for each output, forward mode one for each input.",
  first: [strategy("reverse"), strategy("forward", { passes: 2, flops: 16, seconds: 18e-6, temp_bytes: 64 })],
  second: [
    strategy("forward over reverse", { passes: 2, flops: 32, call: "jax.hessian(f)(x)", because: "fewest passes" }),
    strategy("reverse over forward", { passes: 4, flops: 51, infeasible: "no rule for reverse mode" }),
  ],
};
