/** Which derivatives a tie leaves to convention, and which it does not. */

import { expect, test } from "vitest";
import { TapeRunner } from "../src/tape";
import type { Tape } from "../src/wire";

type Nodes = Tape["nodes"];
const INPUTS: Nodes = [
  ["input", 0],
  ["input", 1],
  ["const", 0],
];

/** Over the inputs 0 and 1 and the constant 0, which are the nodes 0 to 2. */
function ties(nodes: Nodes, point: number[], outputs?: number[], guards: Tape["guards"] = []) {
  const all = [...INPUTS, ...nodes];
  const runner = new TapeRunner({ nodes: all, outputs: outputs ?? [all.length - 1], guards }, point.length);
  const found = runner.findTies(point);
  return found && [...found];
}

test("a tie counts for the outputs that depend on it, in the inputs that it depends on", () => {
  const relu: Nodes = [
    ["max", 1, 2],
    ["mul", 0, 3],
  ];
  expect(ties(relu, [3, 0])).toEqual([0, 1]);
  expect(ties(relu, [3, 0], [0, 4, 3])).toEqual([0, 0, 0, 1, 0, 1]);
  expect(ties(relu, [3, 1])).toBeNull();
});

test("it counts through comparisons, which have no derivative", () => {
  const step: Nodes = [
    ["add", 0, 1],
    ["gt", 3, 2],
    ["mul", 0, 0],
    ["select", 4, 5, 2],
  ];
  expect(ties(step, [1, -1])).toEqual([1, 1]);
});

test("a tie in a branch that is surely not taken counts for nothing, in one that may be it does", () => {
  const nodes: Nodes = [
    ["abs", 1],
    ["gt", 0, 2],
    ["select", 4, 0, 3],
  ];
  expect(ties(nodes, [1, 0])).toBeNull();
  expect(ties(nodes, [-1, 0])).toEqual([0, 1]);
  expect(ties(nodes, [0, 0])).toEqual([1, 1]);
});

test("what is compared with itself is at no tie", () => {
  expect(ties([["max", 0, 0]], [1, 1])).toBeNull();
  expect(
    ties(
      [
        ["le", 1, 1],
        ["select", 3, 0, 1],
      ],
      [1, 2],
    ),
  ).toBeNull();
  // |x[0] - x[0]| + |x[0] - x[1]|, of all pairs
  const pairs: Nodes = [
    ["sub", 0, 0],
    ["abs", 3],
    ["sub", 0, 1],
    ["abs", 5],
    ["add", 4, 6],
  ];
  expect(ties(pairs, [1, 2])).toBeNull();
  expect(ties(pairs, [1, 1])).toEqual([1, 1]);
});

test("ties that only serve guards do not count", () => {
  expect(ties([["eq", 0, 2]], [0, 1], [1], [[3, 1, "the position x[0]"]])).toBeNull();
});
