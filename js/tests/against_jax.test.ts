/// <reference types="node" />
/** Tapes run by the browser's interpreter, against JAX's numbers in float64: cases that Python has written to a file. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { fromWire } from "../src/numbers";
import { TapeRunner } from "../src/tape";
import type { Num, Tape } from "../src/wire";

const ARRAYS = ["value", "jacobian", "hessian"] as const;
const TOLERANCE = 1e-12;

interface Case extends Record<(typeof ARRAYS)[number], Num[]> {
  name: string;
  tape: Tape;
  point: Num[];
  /** How far rounding carries, in each of the arrays. */
  rounding: Record<(typeof ARRAYS)[number], number>;
}

const { cases } = JSON.parse(readFileSync(process.env.TAPE_CASES ?? "", "utf-8")) as { cases: Case[] };
let strictly = 0;

/** The largest difference, in units of the tolerance without and with an allowance for rounding. */
function apart(ours: ArrayLike<number>, theirs: number[], allowed: number): [number, number] {
  const size = Math.max(1, ...theirs.map(Math.abs).filter(Number.isFinite));
  const distances = theirs.map((x, k) => (Object.is(x, ours[k]) ? 0 : Math.abs(x - ours[k]!)));
  const largest = distances.reduce((a, b) => (a > b || Number.isNaN(a) ? a : b), 0);
  return [largest / (TOLERANCE * size), largest / (TOLERANCE * size + allowed)];
}

describe("tapes give JAX's numbers", () => {
  test.each(cases)("$name", ({ tape, point, rounding, ...expected }) => {
    const { numbers } = new TapeRunner(tape, point.length).evaluate(point.map(fromWire), 2);
    expect(numbers).not.toBeNull();
    const found = ARRAYS.map((what) => apart(numbers![what]!, expected[what].map(fromWire), rounding[what]));
    if (found.every(([strict]) => strict <= 1)) strictly += 1;
    for (const [, units] of found) expect(units).toBeLessThanOrEqual(1);
  });

  test("and nearly all to the last digits, whatever rounding does", () => {
    console.log(`${strictly} of ${cases.length} cases within ${TOLERANCE} of the largest entry`);
    expect(strictly).toBeGreaterThanOrEqual(0.9 * cases.length);
  });
});
