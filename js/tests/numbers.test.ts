/** How numbers are written and read. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { derivativeName } from "../src/names";
import {
  brief,
  duration,
  exact,
  fromWire,
  memory,
  number,
  operations,
  parse,
  significant,
  spoken,
  vector,
} from "../src/numbers";

test("a number has the digits of its dtype, and no more", () => {
  expect(number(0.1, "float64")).toBe("0.1");
  expect(number(Math.fround(0.1), "float32")).toBe("0.1");
  expect(number(0.070650816, "float32")).toBe("0.070650816");
  expect(number(1 / 3, "float64")).toBe("0.3333333333");
  expect(number(1 / 3, "float16")).toBe("0.3333");
});

test("minus is a minus sign, and zero has none", () => {
  expect([number(-2), number(-0), brief(-1.5e-7)]).toEqual(["−2", "0", "−1.5e−7"]);
});

test("what is not finite is a word, to be seen and to be heard", () => {
  expect([number(Number.NaN), number(Infinity, "float32"), number(-Infinity)]).toEqual(["NaN", "inf", "−inf"]);
  expect([spoken(Number.NaN), spoken(-Infinity), spoken(-2)]).toEqual(["not a number", "minus infinity", "minus 2"]);
});

test("every digit is there where every digit is asked for", () => {
  expect(exact(0.1 + 0.2)).toBe("0.30000000000000004");
});

test("large and small numbers have a power of ten", () => {
  expect([number(1e10), number(123456), number(0.0001), number(0.00001)]).toEqual(["1e10", "123456", "0.0001", "1e−5"]);
});

test("what readers type is understood, with either minus, and nonsense is not", () => {
  expect([parse("−1.5"), parse(" 2e-3 "), parse("0,5"), parse("-inf")]).toEqual([-1.5, 0.002, 0.5, -Infinity]);
  expect(parse("nan")).toBeNaN();
  expect([parse(""), parse("1x")]).toEqual([null, null]);
});

test("times, sizes and counts have the unit that suits them", () => {
  expect([duration(12e-6), duration(0.0541), duration(3.4)]).toEqual(["12 µs", "54.1 ms", "3.4 s"]);
  expect([memory(400), memory(4000)]).toEqual(["400 B", "4 kB"]);
  expect([operations(1234), operations(6.98e9)]).toEqual(["1,234", "6.98·10⁹"]);
});

test("a vector is written out, a long one begun", () => {
  expect([vector([1, 2.5]), vector([3])]).toEqual(["[1, 2.5]", "3"]);
  expect(vector([1, 2, 3], "float64", 2)).toBe("[1, 2, … 3 entries]");
});

test("the static output writes the same: examples that its tests read too", () => {
  const examples = JSON.parse(readFileSync(join(import.meta.dirname, "numbers.json"), "utf8"));
  const there = (text: string) => text.replaceAll("−", "-");
  for (const [value, dtype, text] of examples.number) expect(there(number(fromWire(value), dtype))).toBe(text);
  for (const [value, digits, text] of examples.significant)
    expect(there(significant(fromWire(value), digits))).toBe(text);
  for (const [seconds, text] of examples.duration) expect(duration(seconds)).toBe(text);
  for (const [size, text] of examples.memory) expect(memory(size)).toBe(text);
  for (const [count, text] of examples.operations) expect(operations(count)).toBe(text);
});

test("derivatives have their names", () => {
  expect(derivativeName("f", [])).toBe("f");
  expect(derivativeName("f", ["x[0]"])).toBe("∂f/∂x[0]");
  expect(derivativeName("f", ["x", "y"])).toBe("∂²f/∂x∂y");
  expect(derivativeName("f", ["x", "x"])).toBe("∂²f/∂x²");
});
