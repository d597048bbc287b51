// @vitest-environment happy-dom
/** States from elsewhere: whatever is in one, something readable is drawn, soon, and what is missing is told. */

import { beforeEach, expect, test } from "vitest";
import { createModel } from "../src/model";
import { mount } from "../src/mount";
import { mountPage } from "../src/page";
import { sane } from "../src/sane";
import type { PanelState } from "../src/wire";
import { fakeCost } from "./fake";
import * as sent from "./sent";
import { cubicState } from "./states";

beforeEach(() => {
  document.body.innerHTML = "";
});

// biome-ignore lint/suspicious/noExplicitAny: the point of these states is that they have no type
type Any = any;

/** A state with every part, as the kernel sends it. */
function rich(): Any {
  const state = structuredClone(sent.cubic as Any);
  state.cost ??= fakeCost;
  state.findings = [
    { kind: "kink", severity: "warning", path: "b", where: "line 1", message: "a", cure: "`f(x)`", formula: "x" },
  ];
  state.mine = [{ of: "∂f/∂x", written: "2 x", outcome: "wrong", message: "it is -1 times the right one." }];
  state.curvature = { eigenvalues: [1, "inf"], definiteness: "positive definite", point_kind: "a minimum", note: "n" };
  return state;
}

function drawn(state: unknown): string {
  const place = document.createElement("div");
  document.body.append(place);
  const leave = mount(place, state, null);
  for (const tab of place.querySelectorAll<HTMLElement>("[role=tab]")) tab.click();
  const said = place.textContent ?? "";
  expect(place.querySelector("[role=tabpanel]:not([hidden])")?.textContent?.trim()).not.toBe("");
  leave();
  place.remove();
  return said;
}

/** The places of everything in a value, each as the keys on the way to it; of a list only the first. */
function places(value: unknown, way: string[] = []): string[][] {
  if (typeof value !== "object" || value === null) return [way];
  const keys = Array.isArray(value) ? Object.keys(value).slice(0, 1) : Object.keys(value);
  return [...(way.length > 0 ? [way] : []), ...keys.flatMap((key) => places((value as Any)[key], [...way, key]))];
}

function changed(state: Any, way: readonly string[], change: (holder: Any, key: string) => void): Any {
  const copy = structuredClone(state);
  const holder = way.slice(0, -1).reduce((inner, key) => inner[key], copy);
  change(holder, way[way.length - 1]!);
  return copy;
}

const HUGE = "x".repeat(1e6);
const CHANGES: Record<string, (holder: Any, key: string) => void> = {
  "left out": (holder, key) => (Array.isArray(holder) ? holder.splice(Number(key), 1) : delete holder[key]),
  null: (holder, key) => (holder[key] = null),
  "a number": (holder, key) => (holder[key] = -1.5),
  "a list": (holder, key) => (holder[key] = [[null]]),
  "an object": (holder, key) => (holder[key] = { length: 1e9, constructor: "a" }),
  "a long text": (holder, key) => (holder[key] = HUGE),
};

test.each(Object.entries(CHANGES))(
  "with any part of a state as %s, what is read is whole and small",
  (_, change) => {
    for (const state of [rich(), sent.layer, sent.wrong, sent.outside, sent.special]) {
      for (const way of places(state)) {
        if (way[0] === "version") continue;
        const read = sane(changed(state, way, change)).state as Any;
        const again = sane(read);
        expect(again.left, way.join(".")).toEqual([]);
        expect(again.state, way.join(".")).toEqual(read);
        const { tape: _tape, derivatives: _derivatives, findings: _findings, ...rest } = read;
        expect(JSON.stringify(rest).length, way.join(".")).toBeLessThan(500_000);
        expect(() => createModel(read, null).evaluate([1, 2, 3, 4, 5, 6], 2), way.join(".")).not.toThrow();
      }
    }
  },
  120_000,
);

test("with any part of a state missing, of another type or huge, something readable is drawn", () => {
  const state = rich();
  for (const part of Object.keys(state).filter((key) => key !== "version")) {
    for (const change of ["null", "a list"]) {
      const said = drawn(changed(state, [part], CHANGES[change]!));
      expect(said.length, part).toBeGreaterThan(40);
      expect(said.length, part).toBeLessThan(200_000);
      expect(/undefined.{0,20}/.exec(said)?.[0], part).toBeUndefined();
    }
  }
}, 240_000);

test("parts that could not be read are named, and no other", () => {
  expect(drawn({ ...rich(), derivatives: null })).toContain("could not be read and is left out: derivatives.");
  expect(drawn({ ...rich(), point: [1], verdict: "perfect" })).toContain("left out: point, verdict.");
  expect(drawn(rich())).not.toContain("could not be read");
  for (const state of [sent.cubic, sent.layer, sent.wrong, sent.outside, sent.special]) {
    expect(sane({ ...state }).left).toEqual([]);
    expect(sane({ ...state }).state).toEqual(state);
  }
}, 60_000);

test("an older state, without grades, is whole", () => {
  const { mine: _, grade: __, findings_left_out: ___, ...older } = cubicState();
  expect(sane(older).left).toEqual([]);
}, 60_000);

test("words that are none prove nothing", () => {
  const state = rich();
  state.verdict = state.check.outcome = "certain";
  state.check.entries[0].outcome = "__proto__";
  state.findings[0].severity = "toString";
  state.mine[0].outcome = "excellent";
  const said = drawn(state);
  expect(said).toContain("? out of reach");
  expect(said).toContain("? yours is undecided");
  expect(said).toContain("⚠ warning");
}, 60_000);

test("an unknown dtype is drawn", () => {
  const state = rich();
  state.inputs[0].dtype = state.outputs[0].dtype = "float8_e9m9";
  expect(drawn(state)).toContain("Value of cubic");
}, 60_000);

test("formulas that are too long or too deep say how long they are", () => {
  for (const latex of [
    "x+".repeat(500_000),
    "{".repeat(1e5) + "}".repeat(1e5),
    "\\sqrt".repeat(4000),
    "\\frac{".repeat(3000),
  ]) {
    const state = cubicState();
    state.derivatives[0]!.closed = [latex];
    state.derivatives[1]!.formulas = [latex, null];
    state.findings = [{ ...rich().findings[0], formula: latex }];
    const said = drawn(state);
    expect(said).toContain("proved");
    expect(said.length).toBeLessThan(400_000);
    if (latex.length > 20_000) expect(said).toContain("characters, too much to draw");
  }
}, 60_000);

test("of twenty thousand findings and fifty thousand checked entries, the gravest are drawn and the rest counted", () => {
  const state = rich();
  const [finding] = state.findings;
  const [entry] = state.check.entries;
  state.findings = Array.from({ length: 20_000 }, () => ({ ...finding, severity: "info" }));
  state.findings.push({ ...finding, severity: "error", message: "the grave one" });
  state.check.entries = Array.from({ length: 50_000 }, () => ({ ...entry, outcome: "proved" }));
  state.check.entries.push({ ...entry, outcome: "differs", reason: "the wrong one" });
  const said = drawn(state);
  expect(said).toContain("the grave one");
  expect(said).toContain("19,901 more are left out; none of them is graver.");
  expect(said).toContain("the wrong one");
  expect(said).toContain("49,801 more are left out; none of them is worse.");
}, 60_000);

test("a hundred thousand inputs, names or leaves are no more than a panel takes", () => {
  const many = Array.from({ length: 100_000 }, (_, k) => k);
  const names = many.map((k) => `x[${k}]`);
  const leaves = many.map(() => ({ name: "x", shape: [], dtype: "float64" }));
  for (const state of [
    { ...rich(), input_names: names },
    { ...rich(), inputs: leaves, point: many },
  ]) {
    expect(drawn(state).length).toBeGreaterThan(40);
  }
}, 60_000);

test("a view that fails to be drawn, or to follow a move, says so in its place", async () => {
  const { guarded } = await import("../src/guard");
  const broken = guarded("Plot", () => {
    throw new Error("no canvas");
  });
  expect(broken.element.textContent).toContain("The view “Plot” could not be drawn (no canvas). Run the cell again.");
  const element = document.createElement("div");
  element.textContent = "well";
  let isBroken = false;
  const view = guarded("Check", () => ({
    title: "Check",
    element,
    update() {
      if (isBroken) throw new TypeError("x is null");
    },
  }));
  const snapshot = createModel(cubicState() as PanelState, null).current;
  view.update(snapshot);
  expect(element.textContent).toBe("well");
  isBroken = true;
  view.update(snapshot);
  expect(element.textContent).toContain("The view “Check” could not be drawn (x is null)");
}, 60_000);

test("a page whose state is no JSON says so", () => {
  document.body.innerHTML =
    '<script type="application/json" id="jdm-state">{"version": 1</script><div id="jdm-panel"></div>';
  mountPage();
  expect(document.querySelector("#jdm-panel")?.textContent).toContain("This page could not be drawn");
}, 60_000);

test("the grade of the reader's own derivation comes before the verdict, which then is about JAX and not green", () => {
  const state = rich();
  state.verdict = "proved";
  const place = document.createElement("div");
  document.body.append(place);
  mount(place, state, null);
  const banners = [...place.querySelectorAll<HTMLElement>(".jdm-header .jdm-banner")];
  expect(banners.map((banner) => banner.dataset.jdmTone)).toEqual(["bad", "neutral"]);
  expect(banners[0]!.textContent).toBe("✗ yours is wrong: ∂f/∂x = 2 x: it is -1 times the right one.");
  expect(banners[1]!.textContent).toContain("JAX's derivative: ✓ proved");
}, 60_000);
