// @vitest-environment happy-dom
/** Value, gradient, Jacobian and Hessian in tables. */

import { expect, test } from "vitest";
import type { Model } from "../../src/host";
import { derivativesView } from "../../src/views/derivatives";
import { cubic, type FakeFunction, fakeModel, square, sum } from "../fake";

function shown(model: Model) {
  const view = derivativesView(model);
  document.body.replaceChildren(view.element);
  view.update(model.current);
  model.subscribe((snapshot) => view.update(snapshot));
  const part = (title: string) =>
    [...view.element.querySelectorAll<HTMLElement>(".jdm-part")].find((node) =>
      node.getAttribute("aria-label")?.startsWith(title),
    )!;
  const cells = (title: string) => [...part(title).querySelectorAll<HTMLElement>(".jdm-cell")];
  const numbers = (title: string) => cells(title).map((cell) => cell.querySelector(".jdm-number")?.textContent);
  return { view, part, cells, numbers, detail: view.element.querySelector<HTMLElement>(".jdm-detail")! };
}

const formulas = () => {
  const model = fakeModel(cubic, [1, 2]);
  const [, gradient] = model.state.derivatives;
  if (gradient) {
    gradient.formulas = ["2 x_0 x_1", "x_0^2 + 3 x_1^2"];
    gradient.closed = ["\\nabla f = g"];
  }
  return model;
};

test("every number stands in its row and column", () => {
  const { numbers, part } = shown(fakeModel(cubic, [1, 2]));
  expect(numbers("Value")).toEqual(["10"]);
  expect(numbers("Gradient")).toEqual(["4", "13"]);
  expect(numbers("Hessian")).toEqual(["4", "2", "2", "12"]);
  expect([...part("Hessian").querySelectorAll("th")].map((th) => th.textContent)).toEqual([
    "x[0]",
    "x[1]",
    "x[0]",
    "x[1]",
  ]);
});

test("the formula stands beside the number, and closed forms above", () => {
  const { cells, part } = shown(formulas());
  expect(cells("Gradient")[0]!.querySelector("math")).not.toBeNull();
  expect(part("Gradient").querySelector(".jdm-closed math")).not.toBeNull();
});

test("a move changes numbers and tints in place, without building anything anew", () => {
  const model = fakeModel(cubic, [1, 2]);
  const { cells, numbers } = shown(model);
  const before = cells("Gradient");
  model.moveTo(Float64Array.of(-3, 1));
  expect(numbers("Gradient")).toEqual(["−6", "12"]);
  expect(cells("Gradient")).toEqual(before);
  expect(before.map((cell) => cell.dataset.jdmSign)).toEqual(["-", "+"]);
  expect(before.map((cell) => cell.style.getPropertyValue("--jdm-heat"))).toEqual(["0.50", "1.00"]);
});

test("what is not finite is a word and has no tint", () => {
  const model = fakeModel(cubic, [1, 2]);
  const { cells, numbers } = shown(model);
  model.moveTo(Float64Array.of(Number.NaN, Infinity));
  expect(numbers("Gradient")).toEqual(["NaN", "NaN"]);
  expect(cells("Gradient")[0]!.dataset.jdmSign).toBe("none");
});

test("the focus tells the whole formula and every digit, and follows the arrow keys", () => {
  const model = formulas();
  model.moveTo(Float64Array.of(1 / 3, 2));
  const { cells, detail } = shown(model);
  const [first, second] = cells("Gradient");
  first!.focus();
  expect(detail.textContent).toContain("∂f/∂x[0]");
  expect(detail.textContent).toContain("1.3333333333333333");
  first!.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowDown" }));
  expect(document.activeElement).toBe(second);
  expect(detail.textContent).toContain("∂f/∂x[1]");
  expect([first!.tabIndex, second!.tabIndex]).toEqual([-1, 0]);
  model.moveTo(Float64Array.of(1, 1));
  expect(detail.textContent).toContain("= 4");
});

test("of several outputs, the Hessian of the one that is chosen is shown", () => {
  const { part, numbers } = shown(fakeModel(square, [1, 2]));
  expect(numbers("Jacobian")).toEqual(["2", "−4", "4", "2"]);
  expect(numbers("Hessian")).toEqual(["2", "0", "0", "−2"]);
  const select = part("Hessian").querySelector("select")!;
  select.selectedIndex = 1;
  select.dispatchEvent(new Event("change"));
  expect(numbers("Hessian")).toEqual(["0", "2", "2", "0"]);
});

test("of a large one the beginning is shown, and it says what is left out and where all of it is", () => {
  const { cells, part } = shown(fakeModel(sum, new Array(30).fill(1)));
  expect(cells("Hessian")).toHaveLength(144);
  expect(part("Hessian").textContent).toContain("the first 12 of 30 rows, the first 12 of 30 columns");
  expect(part("Hessian").textContent).toContain("report.hessian");
});

test("beside a large one its largest entries are named, and follow the point", () => {
  const model = fakeModel(sum, new Array(30).fill(1));
  const { part } = shown(model);
  const largest = () =>
    [...part("Gradient").querySelectorAll<HTMLElement>(".jdm-largest tr:not([hidden])")].map((row) => row.textContent);
  expect(largest()).toHaveLength(12);
  expect(largest().slice(0, 2)).toEqual(["∂f/∂x[29]59", "∂f/∂x[28]58"]);
  model.moveTo(Float64Array.from({ length: 30 }, () => -2));
  expect(largest()[0]).toBe("∂f/∂x[0]−60");
  const map = part("Gradient").querySelector("canvas")!;
  expect([map.width, map.height, map.getAttribute("role")]).toEqual([30, 1, "img"]);
  expect(map.getAttribute("aria-label")).toContain("the largest is 60 in size");
});

test("of a Hessian each pair of equal entries is named once", () => {
  const { part } = shown(fakeModel(sum, new Array(30).fill(1)));
  const names = [...part("Hessian").querySelectorAll(".jdm-largest th")].map((name) => name.textContent);
  expect(names.slice(0, 3)).toEqual(["∂²f/∂x[0]²", "∂²f/∂x[0]∂x[1]", "∂²f/∂x[0]∂x[2]"]);
  expect(new Set(names).size).toBe(12);
});

test("numbers that were not computed are missing with the reason", () => {
  const model = fakeModel(cubic, [1, 2]);
  model.state.derivatives[2]!.missing = "too large to send";
  model.announce("report", "", { ...model.current.numbers, hessian: null });
  const { part } = shown(model);
  expect(part("Hessian").querySelector(".jdm-note:not([hidden])")?.textContent).toBe("too large to send");
  expect(part("Hessian").querySelector("table")?.closest("[hidden]")).not.toBeNull();
});

test("where the report knows that the Hessian means nothing, its eigenvalues are not read", () => {
  const model = fakeModel(cubic, [1, 2], {
    curvature: { eigenvalues: [3.5, 12.5], definiteness: "undecided", point_kind: "undecided", note: "At a kink." },
  });
  const { part } = shown(model);
  expect(part("Curvature").textContent).toContain("not known");
  expect(part("Curvature").textContent).not.toContain("curves");
  model.moveTo(Float64Array.of(3, 0));
  expect(part("Curvature").textContent).toContain("curves up one way and down another");
});

test("the eigenvalues follow the point, and what the report says of its own point does not", () => {
  const model = fakeModel(cubic, [1, 2], {
    curvature: { eigenvalues: [3.5, 12.5], definiteness: "positive definite", point_kind: "not stationary", note: "" },
  });
  const { part } = shown(model);
  expect(part("Curvature").textContent).toContain("curves up in every direction");
  model.moveTo(Float64Array.of(3, 0));
  expect(part("Curvature").textContent).toContain("−6, 6");
  expect(part("Curvature").textContent).toContain("curves up one way and down another");
  expect([...part("Curvature").querySelectorAll("dl:not([hidden])")].map((dl) => dl.textContent).join()).not.toContain(
    "positive definite",
  );
});

/** Of inputs alone: its result has no elements. */
const nothing: FakeFunction = {
  value: () => [],
  jacobian: () => [],
  hessian: () => [],
};

test("where there are no entries that is said, and no table is made up", () => {
  const { part, cells } = shown(fakeModel(nothing, [1, 2]));
  for (const title of ["Value", "Jacobian", "Hessian"]) {
    const notes = [...part(title).querySelectorAll<HTMLElement>(".jdm-note")].filter((note) => !note.hidden);
    expect(notes.map((note) => note.textContent)).toEqual(["No entries."]);
    expect(cells(title).filter((cell) => !cell.closest("[hidden]"))).toEqual([]);
  }
});
