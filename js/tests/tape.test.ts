/** Sweeps against derivatives worked out by hand, and what a tape refuses. */

import { expect, test } from "vitest";
import { TapeRunner } from "../src/tape";
import type { Tape } from "../src/wire";

function tape(nodes: Tape["nodes"], outputs = [nodes.length - 1], guards: Tape["guards"] = []): Tape {
  return { nodes, outputs, guards };
}

function run(source: Tape, point: number[], order: 0 | 1 | 2 = 2) {
  const { numbers } = new TapeRunner(source, point.length).evaluate(point, order);
  if (!numbers) throw new Error("elsewhere");
  return {
    value: [...numbers.value],
    jacobian: numbers.jacobian && [...numbers.jacobian],
    hessian: numbers.hessian && [...numbers.hessian],
  };
}

/** x² y + y³ */
const cubic = tape([
  ["input", 0],
  ["input", 1],
  ["mul", 0, 0],
  ["mul", 2, 1],
  ["const", 3],
  ["pow", 1, 4],
  ["add", 3, 5],
]);

test("a polynomial has its value, gradient and Hessian", () => {
  expect(run(cubic, [1, 2])).toEqual({ value: [10], jacobian: [4, 13], hessian: [4, 2, 2, 12] });
  expect(run(cubic, [-1.5, -2])).toEqual({ value: [-12.5], jacobian: [6, 14.25], hessian: [-4, -3, -3, -12] });
});

test("only what is asked for is computed, and a later question sees nothing of an earlier one", () => {
  const runner = new TapeRunner(cubic, 2);
  const at = (x: number, y: number, order: 0 | 1 | 2) => runner.evaluate([x, y], order).numbers;
  expect(at(1, 2, 0)).toMatchObject({ jacobian: null, hessian: null });
  expect(at(1, 2, 2)?.hessian).toEqual(Float64Array.of(4, 2, 2, 12));
  expect(at(3, 0, 1)).toMatchObject({ jacobian: Float64Array.of(0, 9), hessian: null });
  expect(at(1, 2, 2)?.hessian).toEqual(Float64Array.of(4, 2, 2, 12));
});

test("more outputs than inputs: the Jacobian comes from forward sweeps", () => {
  const curve = tape(
    [
      ["input", 0],
      ["cos", 0],
      ["sin", 0],
      ["mul", 0, 0],
    ],
    [1, 2, 3],
  );
  expect(run(curve, [0])).toEqual({ value: [1, 0, 0], jacobian: [0, 1, 0], hessian: [-1, 0, 2] });
});

test("an output may be an input, a constant, or the same node twice", () => {
  const odd = tape(
    [
      ["input", 0],
      ["input", 1],
      ["const", "inf"],
    ],
    [1, 2, 1],
  );
  expect(run(odd, [5, 7])).toMatchObject({ value: [7, Number.POSITIVE_INFINITY, 7], jacobian: [0, 1, 0, 0, 0, 1] });
});

test("the branch that a select does not take leaves no NaN", () => {
  // x > 0 ? sqrt(x) * y : y²
  const kinked = tape([
    ["input", 0],
    ["input", 1],
    ["const", 0],
    ["gt", 0, 2],
    ["sqrt", 0],
    ["mul", 4, 1],
    ["mul", 1, 1],
    ["select", 3, 5, 6],
  ]);
  expect(run(kinked, [0, 3])).toEqual({ value: [9], jacobian: [0, 6], hessian: [0, 0, 0, 2] });
  expect(run(kinked, [4, 3])).toEqual({ value: [6], jacobian: [0.75, 2], hessian: [-3 / 32, 0.25, 0.25, 0] });
});

test("outside a select, infinite slopes stay", () => {
  const root = tape([
    ["input", 0],
    ["sqrt", 0],
  ]);
  expect(run(root, [0])).toEqual({
    value: [0],
    jacobian: [Number.POSITIVE_INFINITY],
    hessian: [Number.NEGATIVE_INFINITY],
  });
});

test("nothing flows through what has no derivative", () => {
  // floor(x) x + stop(x)²
  const flat = tape([
    ["input", 0],
    ["floor", 0],
    ["mul", 1, 0],
    ["stop", 0],
    ["square", 3],
    ["add", 2, 4],
  ]);
  expect(run(flat, [2.5])).toEqual({ value: [11.25], jacobian: [2], hessian: [0] });
});

test("the first guard that fails is told", () => {
  const guarded = tape(
    [
      ["input", 0],
      ["const", 0],
      ["gt", 0, 1],
      ["const", 10],
      ["lt", 0, 3],
      ["neg", 0],
    ],
    [5],
    [
      [2, 1, "x > 0"],
      [4, 1, "x < 10"],
    ],
  );
  const runner = new TapeRunner(guarded, 1);
  expect(runner.evaluate([5], 0).elsewhere).toBeNull();
  expect(runner.evaluate([-1], 0)).toMatchObject({ numbers: null, elsewhere: "x > 0" });
  expect(runner.evaluate([11], 2)).toMatchObject({ numbers: null, elsewhere: "x < 10" });
});

test("what is no tape is refused, and the node named", () => {
  const compile = (...nodes: Tape["nodes"]) => new TapeRunner(tape(nodes), 1);
  expect(() => compile(["input", 0], ["bessel", 0])).toThrow("Node 1 of the tape is an operation that this panel does");
  expect(() => compile(["input", 0], ["toString", 0])).toThrow("toString");
  expect(() => compile(["input", 1])).toThrow("Node 0 of the tape, input(1), has operands that it cannot have.");
  expect(() => compile(["sin", 0])).toThrow("operands");
  expect(() => compile(["input", 0], ["add", 0])).toThrow("operands");
  expect(() => new TapeRunner(tape([["input", 0]], [3]), 1)).toThrow("refers to node 3");
});

test("in float32 every step is rounded", () => {
  const lossy = tape([
    ["input", 0],
    ["const", 1],
    ["add", 0, 1],
    ["sub", 2, 1],
  ]);
  expect(new TapeRunner(lossy, 1, Float32Array).evaluate([1e-9], 0).numbers?.value[0]).toBe(0);
});

test("ten inputs and 300 nodes fit in a frame many times over", () => {
  const nodes: Tape["nodes"] = Array.from({ length: 10 }, (_, i) => ["input", i] as [string, number]);
  const unary = ["sin", "exp", "tanh", "logistic"];
  while (nodes.length < 300) {
    const k = nodes.length;
    const [a, b] = [(k * 7) % k, (k * 7919 + 3) % k];
    nodes.push(k % 3 === 0 ? [unary[k % 4]!, b] : k % 3 === 1 ? ["mul", k - 1, b] : ["add", k - 1, a]);
  }
  const runner = new TapeRunner(tape(nodes), 10);
  const point = Array.from({ length: 10 }, (_, i) => 0.1 * i - 0.4);
  const { numbers } = runner.evaluate(point, 2);
  const h = 1e-5;
  for (let i = 0; i < 10; i++) {
    const shifted = (by: number) =>
      runner.evaluate(
        point.map((x, k) => (k === i ? x + by : x)),
        1,
      ).numbers!;
    const [up, down] = [shifted(h), shifted(-h)];
    expect((up.value[0]! - down.value[0]!) / (2 * h)).toBeCloseTo(numbers!.jacobian![i]!, 6);
    for (let l = 0; l < 10; l++) {
      expect((up.jacobian![l]! - down.jacobian![l]!) / (2 * h)).toBeCloseTo(numbers!.hessian![i * 10 + l]!, 5);
    }
  }
});
