/** How close is close enough, entry by entry. */

import { expect, test } from "vitest";
import { compare } from "../src/agreement";
import { precision } from "../src/dtypes";
import { rerun } from "../src/rounding";
import { TapeRunner } from "../src/tape";
import type { Tape } from "../src/wire";

/** Whether these numbers, in place of the tape's own, would be told as a difference. */
function differs(nodes: Tape["nodes"], x: number[], jacobian: number[] | null, value?: number[], dtype = "float32") {
  const tape: Tape = { nodes, outputs: [nodes.length - 1], guards: [] };
  const point = Float64Array.from(x);
  const { numbers } = new TapeRunner(tape, x.length).evaluate(point, 1);
  const theirs = {
    ...(value && { value: Float64Array.from(value) }),
    ...(jacobian && { jacobian: Float64Array.from(jacobian) }),
  };
  const { real } = compare(theirs, numbers!, {
    ...precision([{ name: "x", shape: [x.length], dtype }]),
    reruns: () => rerun(tape, x.length, point, 1),
    isConvention: () => false,
  });
  return real && { what: real.what, index: real.index };
}

const exp: Tape["nodes"] = [
  ["input", 0],
  ["exp", 0],
];

test("a wrong small entry is not hidden by a right large one", () => {
  const nodes: Tape["nodes"] = [
    ["input", 0],
    ["input", 1],
    ["const", 3e4],
    ["mul", 2, 0],
    ["add", 3, 1],
  ];
  expect(differs(nodes, [1, 1], [3e4, 2])).toEqual({ what: "jacobian", index: 1 });
  expect(differs(nodes, [1, 1], [3e4, 1.001])).toBeNull();
});

test("an entry that is the small difference of large terms may lose their digits", () => {
  // 1000 (x + 1000) - 1000² and its like: the slope of (x + 1000)² - 2000 x
  const nodes: Tape["nodes"] = [
    ["input", 0],
    ["const", 1000],
    ["add", 0, 1],
    ["square", 2],
    ["const", 2000],
    ["mul", 4, 0],
    ["sub", 3, 5],
  ];
  const x = 0.01234;
  expect(differs(nodes, [Math.fround(x)], [2 * x + 1e-4])).toBeNull();
  expect(differs(nodes, [Math.fround(x)], [2 * x + 1])).toEqual({ what: "jacobian", index: 0 });
});

test("the slope of what is nearly flat, which JAX computes as 1 - v²", () => {
  const nodes: Tape["nodes"] = [
    ["input", 0],
    ["input", 1],
    ["tanh", 0],
    ["const", 100],
    ["mul", 3, 2],
    ["add", 4, 1],
  ];
  const v = Math.fround(Math.tanh(5));
  expect(differs(nodes, [5, 0], [100 * Math.fround(1 - Math.fround(v * v)), 1])).toBeNull();
  expect(differs(nodes, [5, 0], [0.02, 1])).toEqual({ what: "jacobian", index: 0 });
});

test("what overflows or underflows in float32 is no difference, in float64 it is one", () => {
  const inf = Number.POSITIVE_INFINITY;
  expect(differs(exp, [100], [inf], [inf])).toBeNull();
  expect(differs(exp, [100], [inf], [-inf])).toEqual({ what: "value", index: 0 });
  expect(differs(exp, [100], [Number.NaN], [inf])).toEqual({ what: "jacobian", index: 0 });
  expect(differs(exp, [10], [Math.exp(10)], [inf])).toEqual({ what: "value", index: 0 });
  expect(differs(exp, [100], [inf], [inf], "float64")).toEqual({ what: "value", index: 0 });
  expect(differs(exp, [-200], [0], [0])).toBeNull();
  expect(differs(exp, [-90], [0], [0])).toBeNull();
  expect(differs(exp, [-200], [0], [0], "float64")).toEqual({ what: "value", index: 0 });
  const nan: Tape["nodes"] = [...exp, ["sub", 1, 1]];
  expect(differs(nan, [100], null, [Number.NaN])).toBeNull();
});
