// @vitest-environment happy-dom
/** The plots: what is drawn, what is said of it, and that the point can be moved without a mouse. */

import { expect, test } from "vitest";
import type { Model } from "../../src/host";
import { levels, sampleGrid } from "../../src/views/plot/grid";
import { extent } from "../../src/views/plot/intervals";
import { plotView } from "../../src/views/plot/plot";
import { project } from "../../src/views/plot/projection";
import { cubic, type FakeFunction, fakeModel, parabola, pole, square, sum, wave } from "../fake";

function plot(f: FakeFunction, point: number[], changes = {}) {
  const model = fakeModel(f, point, changes);
  return { model, ...shown(model) };
}

function shown(model: Model) {
  const view = plotView(model);
  document.body.replaceChildren(view.element);
  view.update(model.current);
  model.subscribe((snapshot) => view.update(snapshot));
  const all = (selector: string) =>
    [...view.element.querySelectorAll<HTMLElement>(selector)].filter((node) => !node.closest("[hidden]"));
  const one = (selector: string) => all(selector)[0]!;
  const press = (key: string, changes = {}) =>
    one("[role=slider]").dispatchEvent(new KeyboardEvent("keydown", { key, ...changes }));
  return { view, all, one, press };
}

const path = (node: Element) => node.getAttribute("d") ?? "";

test("of x² + x + 4 at 1 one sees at once: value 6, slope 3, second derivative 2", () => {
  const { one, all } = plot(parabola, [1]);
  expect(one(".jdm-key").textContent).toMatch(/f = 6.*slope 3.*∂f\/∂x.*curvature 2/);
  expect(all("text").map((text) => text.textContent)).toContain("slope 3");
  for (const stroke of [".jdm-curve", ".jdm-tangent", ".jdm-parabola"])
    expect(path(one(`svg.jdm-plot ${stroke}`))).toMatch(/^M/);
});

test("the picture and the handle say the numbers to those who do not see them", () => {
  const { one, model } = plot(parabola, [1]);
  expect(one("[role=img] > desc").textContent).toContain("At x = 1: f = 6, slope 3, second derivative 2");
  model.moveTo(Float64Array.of(2));
  expect(one("[role=img] > desc").textContent).toContain("At x = 2: f = 10, slope 5");
  expect(one("[role=slider]").getAttribute("aria-valuetext")).toContain("x = 2: f = 10, slope 5");
  expect(one("[role=slider]").getAttribute("aria-valuenow")).toBe("2");
});

test("arrow keys move the point, with shift further, Home goes back", () => {
  const { model, press } = plot(parabola, [1]);
  press("ArrowRight");
  expect(model.current.point[0]).toBeCloseTo(1.02);
  press("ArrowLeft", { shiftKey: true });
  expect(model.current.point[0]).toBeCloseTo(0.82);
  press("Home");
  expect(model.current.point[0]).toBe(1);
});

test("the curve stays where it is while the point moves", () => {
  const { model, one } = plot(wave, [1]);
  const before = path(one("svg.jdm-plot .jdm-curve"));
  model.moveTo(Float64Array.of(1.5));
  expect(path(one("svg.jdm-plot .jdm-curve"))).toBe(before);
});

test("at a pole the curve has a gap, and does not flatten", () => {
  const { one } = plot(pole, [1]);
  expect(path(one("svg.jdm-plot .jdm-curve")).match(/M/g)?.length).toBeGreaterThan(1);
  const [low, high] = extent([1, 2, 3, 1e9, 4, 5, 2, 3, 4, 2, 3, 4, 1, 2, 3, 4, 2, 3, 4, 2]);
  expect([low > -1, high < 10]).toEqual([true, true]);
});

test("where the value is not finite, that is said", () => {
  const { model, one } = plot(pole, [1]);
  model.moveTo(Float64Array.of(0));
  expect(one(".jdm-note").textContent).toContain("f is inf at x = 0");
});

test("without a tape it says why, and draws tangent and parabola alone", () => {
  const { one } = plot(wave, [1.5], { tape: null, tape_missing: "it has a loop of unknown length" });
  expect(one(".jdm-banner").textContent).toContain("not drawn: it has a loop of unknown length.");
  expect(path(one("svg.jdm-plot .jdm-curve"))).toBe("");
  expect(path(one("svg.jdm-plot .jdm-tangent"))).toMatch(/^M/);
});

test("over the plane: level lines, the gradient, the Hessian's axes and the Newton step, with their numbers", () => {
  const { one, all } = plot(cubic, [1, 2]);
  expect(one(".jdm-key").textContent).toContain("∇f = (4, 13)");
  expect(one(".jdm-key").textContent).toContain("λ = 3.5279, 12.472");
  expect(one(".jdm-key").textContent).toContain("Newton step to (0.5, 1)");
  expect(all(".jdm-band").length).toBeGreaterThan(5);
  expect(one("[role=img] > desc").textContent).toContain("Gradient (4, 13)");
  expect(all(".jdm-quad").filter((quad) => path(quad) !== "").length).toBeGreaterThan(400);
});

test("over the plane the four arrow keys are two directions, and the surface is turned by its own", () => {
  const { model, press, all } = plot(cubic, [1, 2]);
  press("ArrowRight");
  press("ArrowUp");
  expect(model.current.point[0]).toBeGreaterThan(1);
  expect(model.current.point[1]).toBeGreaterThan(2);
  const turner = all("[role=slider]")[1]!;
  const before = turner.getAttribute("aria-valuetext");
  turner.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight" }));
  expect(turner.getAttribute("aria-valuetext")).not.toBe(before);
});

test("what is drawn at the point can be hidden", () => {
  const { one } = plot(cubic, [1, 2]);
  const box = one(".jdm-key input") as HTMLInputElement;
  box.checked = false;
  box.dispatchEvent(new Event("change"));
  expect(document.querySelector("svg.jdm-plot .jdm-gradient")?.closest("[hidden]")).not.toBeNull();
});

test("a map of the plane shows a circle and its image, with what the Jacobian does to areas and steps", () => {
  const { one } = plot(square, [1, 0.5]);
  expect(one(".jdm-plot-fact").textContent).toContain("det J = 5: areas grow 5-fold");
  expect(one(".jdm-plot-fact").textContent).toContain("A step along x[0] becomes (2, 1)");
});

test("of many inputs a slice along a coordinate or the gradient is drawn, with the slope along it", () => {
  const { one, model } = plot(sum, [1, 2, 3]);
  expect(one(".jdm-key").textContent).toContain("slope 6 = ∂f/∂x[0]");
  const select = one("select") as HTMLSelectElement;
  select.selectedIndex = 3;
  select.dispatchEvent(new Event("change"));
  const length = Math.hypot(6, 7, 8);
  expect(one(".jdm-key").textContent).toContain(`slope ${length.toPrecision(5)}`);
  model.moveTo(Float64Array.of(0, 0, 0));
  expect(one("[role=slider]").getAttribute("aria-valuenow")).toBe("0");
});

test("level lines keep apart, and a hole in the function is none of them", () => {
  const grid = sampleGrid((x, y) => (x < 0 ? Number.NaN : Math.exp(4 * y)), [-1, 1], [0, 1], 24);
  const drawn = levels(grid.values);
  expect(drawn.length).toBeGreaterThan(5);
  expect([...drawn].sort((a, b) => a - b)).toEqual(drawn);
  expect(drawn.every(Number.isFinite)).toBe(true);
});

test("turned by a quarter, what was across is in depth", () => {
  const seen = project([1, 0, 0], { turn: Math.PI / 2, elevation: 0 });
  expect(seen.across).toBeCloseTo(0);
  expect(seen.depth).toBeCloseTo(1);
});

test("dragging to the edge moves the point there, and the picture stands still", () => {
  for (const f of [cubic, square]) {
    const { model, one } = plot(f, [1, 2]);
    const plane = one(".jdm-plane");
    const names = () => [...one("svg.jdm-plot").querySelectorAll(".jdm-tick")].map((tick) => tick.textContent);
    const before = names();
    const drag = (kind: string, clientX: number) =>
      plane.dispatchEvent(new PointerEvent(kind, { clientX, clientY: 100, button: 0, pointerType: "mouse" }));
    drag("pointerdown", 300);
    drag("pointerup", 300);
    const inside = model.current.point[0]!;
    drag("pointerdown", -500);
    expect(model.current.point[0]).toBeLessThan(inside);
    expect(names()).toEqual(before);
  }
});

test("where the values are not finite the plane has a hole, and that is said", () => {
  const root: FakeFunction = {
    value: (x) => [Math.sqrt(x[0]!) + x[1]!],
    jacobian: (x) => [0.5 / Math.sqrt(x[0]!), 1],
    hessian: (x) => [-0.25 * x[0]! ** -1.5, 0, 0, 0],
  };
  const { one, all } = plot(root, [0.2, 1]);
  expect(path(one(".jdm-hole"))).toMatch(/^M/);
  expect(all(".jdm-note").map((note) => note.textContent)).toContain("Grey: the values are not finite there.");
});

test("without inputs or without outputs there is nothing to draw, which is said", () => {
  const nothing: FakeFunction = { value: () => [], jacobian: () => [], hessian: () => [] };
  const constant: FakeFunction = { value: () => [0], jacobian: () => [], hessian: () => [] };
  for (const { view } of [plot(nothing, [1, 2]), plot(constant, []), plot(constant, [], { tape: null })])
    expect(view.element.textContent).toBe("There is nothing to draw.");
});
