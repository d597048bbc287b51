// @vitest-environment happy-dom
/** The point in the reader's hands. */

import { expect, test, vi } from "vitest";
import { pointControls } from "../../src/controls/point";
import { rangeAround, widened } from "../../src/controls/range";
import { cubic, type FakeFunction, fakeModel, parabola, square, sum } from "../fake";

function controls(f: FakeFunction, point: number[], changes = {}) {
  const model = fakeModel(f, point, changes);
  const made = pointControls(model);
  document.body.replaceChildren(made.element);
  made.update(model.current);
  model.subscribe((snapshot) => made.update(snapshot));
  const all = <E extends Element>(selector: string) => [...made.element.querySelectorAll<E & HTMLElement>(selector)];
  const press = (label: string) =>
    all<HTMLButtonElement>("button")
      .find((button) => button.textContent === label)
      ?.click();
  return {
    model,
    all,
    press,
    sliders: all<HTMLInputElement>("[type=range]"),
    fields: all<HTMLInputElement>(".jdm-field"),
  };
}

function type(field: HTMLInputElement, text: string) {
  field.value = text;
  field.dispatchEvent(new Event("input"));
  field.dispatchEvent(new Event("change"));
}

test("a range is as wide as the size of the number asks, and ends in round numbers", () => {
  expect(rangeAround(1)).toEqual({ low: -1, high: 3, step: 0.01 });
  expect(rangeAround(0)).toEqual({ low: -1, high: 1, step: 0.005 });
  expect(rangeAround(-100)).toEqual({ low: -300, high: 100, step: 1 });
  expect(rangeAround(Number.NaN).low).toBe(-1);
});

test("a value beyond the range widens it", () => {
  const range = rangeAround(1);
  expect(widened(range, 2)).toBe(range);
  expect(widened(range, 50).high).toBeGreaterThan(50);
  expect(widened(range, 50).low).toBeLessThanOrEqual(-1);
});

test("a slider moves one component", () => {
  const { model, sliders, fields } = controls(cubic, [1, 2]);
  sliders[1]!.value = "3";
  sliders[1]!.dispatchEvent(new Event("input"));
  expect([...model.current.point]).toEqual([1, 3]);
  expect(fields[1]!.value).toBe("3");
  expect(sliders[1]!.getAttribute("aria-valuetext")).toBe("3");
});

test("a number can be typed beyond the slider, and nonsense is named and moves nothing", () => {
  const { model, sliders, fields, all } = controls(cubic, [1, 2]);
  type(fields[0]!, "−50");
  expect(model.current.point[0]).toBe(-50);
  expect(Number(sliders[0]!.min)).toBeLessThan(-50);
  type(fields[0]!, "five");
  expect(model.current.point[0]).toBe(-50);
  expect(fields[0]!.getAttribute("aria-invalid")).toBe("true");
  expect(all(".jdm-problem")[0]!.textContent).toContain("“five” is not a number");
});

test("leaving a field untouched is not a move, though it shows fewer digits than the number has", () => {
  const { model, fields } = controls(cubic, [1 / 3, 2]);
  fields[0]!.dispatchEvent(new Event("change"));
  expect(model.current.standing).toBe("report");
});

test("NaN and infinity are shown as words", () => {
  const { model, fields } = controls(cubic, [1, 2]);
  model.moveTo(Float64Array.of(Number.NaN, -Infinity));
  expect(fields.map((field) => field.value)).toEqual(["NaN", "−inf"]);
});

test("more than twelve components share one slider, and the component is chosen", () => {
  const { model, sliders, all } = controls(sum, new Array(13).fill(1));
  expect(sliders).toHaveLength(1);
  const [select] = all<HTMLSelectElement>("select");
  select!.selectedIndex = 12;
  select!.dispatchEvent(new Event("change"));
  sliders[0]!.value = "2";
  sliders[0]!.dispatchEvent(new Event("input"));
  expect([...model.current.point].indexOf(2)).toBe(12);
  expect(controls(sum, new Array(12).fill(1)).sliders).toHaveLength(12);
});

test("reset goes back to the report's point", () => {
  const { model, press } = controls(cubic, [1, 2]);
  model.moveTo(Float64Array.of(5, 5));
  press("Reset");
  expect([...model.current.point]).toEqual([1, 2]);
});

test("the way to the stationary point is walked step by step, and how it ended is said", () => {
  vi.useFakeTimers();
  const { model, press, all } = controls(parabola, [1]);
  press("To the stationary point");
  vi.advanceTimersByTime(20_000);
  expect(model.current.point[0]).toBeCloseTo(-0.5);
  expect(all(".jdm-said")[0]!.textContent).toMatch(/^found: −0.5, .* a minimum$/);
  vi.useRealTimers();
});

test("a function without a stationary point is not said to have one", () => {
  vi.useFakeTimers();
  const x = (point: ArrayLike<number>) => point[0] ?? Number.NaN;
  const arctan: FakeFunction = {
    value: (point) => [Math.atan(x(point))],
    jacobian: (point) => [1 / (1 + x(point) ** 2)],
    hessian: (point) => [(-2 * x(point)) / (1 + x(point) ** 2) ** 2],
  };
  const { press, all } = controls(arctan, [0.5]);
  press("To the stationary point");
  vi.advanceTimersByTime(60_000);
  expect(all(".jdm-said")[0]!.textContent).toContain("did not converge");
  vi.useRealTimers();
});

test("without a tape it says why there is no way, and for several outputs there is no button", () => {
  const { press, all } = controls(parabola, [1], { tape: null, tape_missing: "it has a loop of unknown length" });
  press("To the stationary point");
  expect(all(".jdm-said")[0]!.textContent).toContain("a loop of unknown length");
  expect(controls(square, [1, 2]).all("button")).toHaveLength(1);
});

test("where the Hessian vanishes, it is not said to be a minimum or a saddle", () => {
  vi.useFakeTimers();
  const { press, all } = controls(cubic, [1, 2]);
  press("To the stationary point");
  vi.advanceTimersByTime(60_000);
  expect(all(".jdm-said")[0]!.textContent).toMatch(/^found: \[0, 0\], .* does not decide$/);
  vi.useRealTimers();
});

test("who moves the point on the way takes over", () => {
  vi.useFakeTimers();
  const { model, press, all } = controls(cubic, [1, 2]);
  press("To the stationary point");
  vi.advanceTimersByTime(100);
  model.moveTo(Float64Array.of(7, 7));
  vi.advanceTimersByTime(60_000);
  expect([...model.current.point]).toEqual([7, 7]);
  expect(all(".jdm-said")[0]!.textContent).toContain("the point was moved");
  vi.useRealTimers();
});
