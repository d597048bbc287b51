// @vitest-environment happy-dom
/** The table of a model's leaves: rows by module that fold, bars, what begins where. */

import { expect, test } from "vitest";
import { mountCard } from "../../src/card";
import { sane } from "../../src/sane";
import { leavesView } from "../../src/views/leaves";
import type { LeafRow, LeafTable } from "../../src/wire";
import { cubic, fakeModel } from "../fake";
import { model } from "../sent";

const leaf = (changes: Partial<LeafRow>): LeafRow => ({
  name: "weight",
  shape: "16 × 16",
  gradient: 4.9,
  ratio: 1.38,
  share: 0.5,
  zeros: 0.004,
  nonfinite: 0,
  outcome: "agrees",
  ...changes,
});

const table: LeafTable = {
  caption: "4 leaves, 800 numbers",
  begins: [{ tone: "bad", said: ["NaN begins on the way back, cell, line 3", ", in `jnp.sqrt(s)` (0 * inf)."] }],
  modules: [
    {
      whole: leaf({ name: "net.layers[0]", shape: "512 in 2" }),
      rows: [leaf({}), leaf({ name: "bias", ratio: null, share: 0, outcome: "" })],
      open: false,
    },
    { whole: leaf({ name: "net.scale", gradient: "nan", share: 1, nonfinite: 32 }), rows: [], open: true },
  ],
  left_out: 1200,
  facts: [["trace of the Hessian", "24.8 (± 0.1)"]],
};

const made = (changes: Partial<LeafTable> = {}) => leavesView(fakeModel(cubic, [1, 2]), { ...table, ...changes });

function shown(view: HTMLElement): string[] {
  return [...view.querySelectorAll<HTMLElement>("tbody tr:not([hidden])")].map((row) => row.textContent ?? "");
}

test("a module is one row until it is unfolded, and says whether it is", () => {
  const { element } = made();
  expect(shown(element)).toEqual([
    "▸net.layers[0]512 in 24.91.38< 1 %≈ agrees",
    "net.scale16 × 16NaN1.38—32 not finite",
  ]);
  const fold = element.querySelector<HTMLButtonElement>("button.jdm-fold")!;
  expect(fold.getAttribute("aria-expanded")).toBe("false");
  fold.click();
  expect(fold.getAttribute("aria-expanded")).toBe("true");
  expect(shown(element)[1]).toBe("weight16 × 164.91.38< 1 %≈ agrees");
  expect(shown(element)[2]).toBe("bias16 × 164.9—< 1 %—");
  const controlled = fold.getAttribute("aria-controls")!.split(" ");
  expect(controlled.map((id) => element.querySelector(`#${id}`)?.tagName)).toEqual(["TR", "TR"]);
  fold.click();
  expect(shown(element)).toHaveLength(2);
});

test("what begins where, what is left out and what is known of the Hessian are told in words", () => {
  const text = made().element.textContent ?? "";
  for (const words of ["NaN begins on the way back", "jnp.sqrt(s)", "1,200 more", "report.leaves", "24.8 (± 0.1)"]) {
    expect(text).toContain(words);
  }
});

test("bars are as long as they are told to be, and silent", () => {
  const bars = [...made().element.querySelectorAll("svg.jdm-bar")];
  expect(bars.map((bar) => bar.querySelector("rect")?.getAttribute("width"))).toEqual(["50", "50", "0", "100"]);
  expect(bars.every((bar) => bar.getAttribute("aria-hidden") === "true")).toBe(true);
});

test("it is about the report's point, and says so elsewhere", () => {
  const moved = fakeModel(cubic, [1, 2]);
  const view = leavesView(moved, table);
  view.update(moved.current);
  expect(view.element.querySelector("p[hidden]")?.textContent).toContain("This table is about the report's point");
  moved.moveTo(Float64Array.of(3, 4));
  view.update(moved.current);
  expect(view.element.querySelector("p[hidden]")).toBeNull();
});

test("it is the first tab of a model, and no tab of another function", () => {
  const tabs = (state: typeof model) => {
    const root = document.createElement("div");
    mountCard(root, fakeModel(cubic, [1, 2], { leaves: state.leaves }));
    return [...root.querySelectorAll("[role=tab]")].map((tab) => tab.textContent);
  };
  expect(tabs(model)[0]).toBe("Leaves");
  expect(tabs({ ...model, leaves: null })[0]).toBe("Derivatives");
});

test("what a kernel sends is read as it is; what is no table of leaves is left out", () => {
  expect(sane({ ...model })).toEqual({ state: model, left: [] });
  const { state, left } = sane({ ...model, leaves: "?" });
  expect([state.leaves, left]).toEqual([null, ["leaves"]]);
  const odd = sane({ ...model, leaves: { modules: [{ whole: { share: 7, outcome: "perfect", nonfinite: -1 } }] } });
  expect(odd.state.leaves?.modules[0]?.whole).toMatchObject({ share: 1, outcome: "out of reach", nonfinite: 0 });
  expect(odd.left).toContain("leaves");
});

test("names that are too many to be sent are made of the leaves", () => {
  const { state, left } = sane({
    ...model,
    inputs: [
      { name: "W", shape: [2, 3], dtype: "float32" },
      { name: "b", shape: [], dtype: "float32" },
    ],
    input_names: null,
    point: [1, 2, 3, 4, 5, 6, 7],
    derivatives: [],
  });
  expect(state.input_names).toEqual(["W[0, 0]", "W[0, 1]", "W[0, 2]", "W[1, 0]", "W[1, 1]", "W[1, 2]", "b"]);
  expect(left).not.toContain("input_names");
});
