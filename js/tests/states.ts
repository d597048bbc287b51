/** The function f(x) = x₀² x₁ + x₁³ at (1, 2): its numbers by hand, its tape, and the state of a panel over it. */

import type { PanelState, Tape } from "../src/wire";

export const cubicTape: Tape = {
  nodes: [
    ["input", 0],
    ["input", 1],
    ["square", 0],
    ["mul", 2, 1],
    ["square", 1],
    ["mul", 4, 1],
    ["add", 3, 5],
  ],
  outputs: [6],
  guards: [],
};

export function cubic(x: number, y: number) {
  return {
    value: Float64Array.of(x * x * y + y ** 3),
    jacobian: Float64Array.of(2 * x * y, x * x + 3 * y * y),
    hessian: Float64Array.of(2 * y, 2 * x, 2 * x, 6 * y),
  };
}

export function cubicState(changes: Partial<PanelState> = {}): PanelState {
  const { value, jacobian, hessian } = cubic(1, 2);
  const derivative = (what: string, values: Float64Array) => ({
    what,
    values: [...values],
    formulas: null,
    closed: [],
    missing: "",
  });
  return {
    version: 1,
    name: "f",
    signature: "f : ℝ² → ℝ   (float64)",
    grade: null,
    mine: [],
    verdict: "proved",
    summary: "all entries are the same expression",
    inputs: [{ name: "x", shape: [2], dtype: "float64" }],
    outputs: [{ name: "f", shape: [], dtype: "float64" }],
    input_names: ["x[0]", "x[1]"],
    output_names: ["f"],
    point: [1, 2],
    derivatives: [derivative("value", value), derivative("gradient", jacobian), derivative("hessian", hessian)],
    check: { outcome: "proved", summary: "", entries: [], left_out: 0, columns: {}, not_covered: [] },
    cost: null,
    curvature: null,
    findings: [],
    findings_left_out: 0,
    leaves: null,
    tape: cubicTape,
    tape_missing: "",
    ...changes,
  };
}
