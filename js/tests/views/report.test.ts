// @vitest-environment happy-dom
/** The views of what was found once, at the report's point: check, cost, findings. */

import { expect, test, vi } from "vitest";
import { checkView } from "../../src/views/check";
import { costView } from "../../src/views/cost";
import { findingsView } from "../../src/views/findings";
import type { Check, CheckEntry, Finding } from "../../src/wire";
import { cubic, fakeCost, fakeModel } from "../fake";

const entry = (changes: Partial<CheckEntry>): CheckEntry => ({
  what: "gradient",
  output: "f",
  inputs: ["x[0]"],
  symbolic: 4,
  forward: 4,
  reverse: 4,
  numeric: 4,
  error: 0.5,
  outcome: "proved",
  reason: "",
  why: "",
  ...changes,
});

const mixed: Check = {
  outcome: "differs",
  summary: "one of three entries differs",
  entries: [
    entry({}),
    entry({ inputs: ["x[1]"], outcome: "differs", forward: 0.5, reason: "JAX gives `0.5`" }),
    entry({ inputs: ["x[0]", "x[1]"], symbolic: null, reverse: "nan", error: null, outcome: "out of reach" }),
  ],
  left_out: 1200,
  columns: { symbolic: "the primitive is out of reach" },
  not_covered: ["third derivatives"],
};

function rows(view: HTMLElement): string[] {
  return [...view.querySelectorAll<HTMLElement>("tbody tr:not([hidden])")].map((row) => row.textContent ?? "");
}

test("each entry has four numbers, its error, its outcome in a word with a mark, and the reason", () => {
  const { element } = checkView(fakeModel(cubic, [1, 2], { check: mixed }));
  expect(rows(element)[0]).toBe("∂f/∂x[0]✓ proved44440.5 ulp");
  expect(rows(element)[2]).toBe("JAX gives 0.5");
  expect(rows(element)[3]).toBe("∂²f/∂x[0]∂x[1]? out of reach—4NaN4—");
  for (const words of [
    "one of three entries differs",
    "1,200 more are left out",
    "No symbolic column: the primitive",
    "Not covered: third",
  ]) {
    expect(element.textContent).toContain(words);
  }
});

test("one can look at only what is not right", () => {
  const { element } = checkView(fakeModel(cubic, [1, 2], { check: mixed }));
  const select = element.querySelector("select")!;
  const names = [...select.options].map((option) => option.textContent);
  expect(names).toEqual([
    "everything (3)",
    "only what is not right (2)",
    "only: proved (1)",
    "only: out of reach (1)",
    "only: differs (1)",
  ]);
  select.selectedIndex = 1;
  select.dispatchEvent(new Event("change"));
  expect(rows(element)).toHaveLength(3);
  expect(element.querySelector("[role=status]")?.textContent).toBe("2 of 3 shown");
});

test("the check says that it is about another point when the reader has moved, and leads back", () => {
  const model = fakeModel(cubic, [1, 2]);
  const view = checkView(model);
  view.update(model.current);
  const note = view.element.querySelector<HTMLElement>(".jdm-banner[data-jdm-tone=warning]")!;
  expect(note.hidden).toBe(true);
  model.moveTo(Float64Array.of(3, 2));
  view.update(model.current);
  expect(note.hidden).toBe(false);
  expect(note.textContent).toContain("x = [1, 2]");
  note.querySelector("button")!.click();
  view.update(model.current);
  expect(note.hidden).toBe(true);
});

test("the way to take is marked, with its reason, its call and the bars of all", () => {
  const { element } = costView(fakeModel(cubic, [1, 2], { cost: fakeCost }));
  expect(element.querySelector(".jdm-banner")?.textContent).toBe(
    "★ reverse: reverse mode needs 1 pass, forward mode 2 passes.",
  );
  expect([...element.querySelectorAll(".jdm-call")].map((call) => call.textContent)).toEqual([
    "jax.grad(f)(x)",
    "jax.hessian(f)(x)",
  ]);
  expect([...element.querySelectorAll(".jdm-bars")].map((group) => group.textContent)).toEqual([
    "time★ reverse12 µsforward18 µs",
    "FLOPs★ reverse12forward16",
    "temporary memory★ reverse128 Bforward64 B",
  ]);
  expect(rows(element)[0]).toContain("★ recommended");
  expect(rows(element)[3]).toContain("✗ no rule for reverse mode");
  expect(element.textContent).toContain(fakeCost.rule);
});

test("copying says that it worked, also where there is no clipboard, and says so when it did not", async () => {
  const { element } = costView(fakeModel(cubic, [1, 2], { cost: fakeCost }));
  document.body.replaceChildren(element);
  const said = element.querySelector<HTMLElement>(".jdm-said")!;
  const press = async () => {
    element.querySelector<HTMLButtonElement>(".jdm-copyable button")!.click();
    await vi.waitFor(() => expect(said.textContent).not.toBe(""));
    const words = said.textContent;
    said.textContent = "";
    return words;
  };
  const written: string[] = [];
  vi.stubGlobal("navigator", { clipboard: { writeText: async (text: string) => void written.push(text) } });
  expect(await press()).toBe("✓ copied");
  expect(written).toEqual(["jax.grad(f)(x)"]);
  vi.stubGlobal("navigator", {});
  document.execCommand = () => true;
  expect(await press()).toBe("✓ copied");
  document.execCommand = () => false;
  expect(await press()).toContain("by hand");
  vi.unstubAllGlobals();
});

test("findings come gravest first, with place, formula, and a cure to copy", () => {
  const finding = (changes: Partial<Finding>): Finding => ({
    kind: "kink",
    severity: "info",
    path: "",
    where: "",
    message: "",
    cure: "",
    formula: "",
    ...changes,
  });
  const findings = [
    finding({ message: "an integer" }),
    finding({
      severity: "error",
      path: "f",
      where: "cell, line 6",
      message: "a wrong rule",
      formula: "x^2",
      cure: "say `trust='f'`",
    }),
  ];
  const view = findingsView(fakeModel(cubic, [1, 2], { findings }));
  expect(view.title).toBe("Findings (✗ 1)");
  const [first, second] = view.element.querySelectorAll("li");
  expect(first?.textContent).toContain("✗ error · kink · f at cell, line 6");
  expect(first?.querySelector("math")).not.toBeNull();
  expect(first?.querySelector(".jdm-call")?.textContent).toBe("trust='f'");
  expect(second?.textContent).toContain("i info");
});

test("nothing found is said in words", () => {
  expect(findingsView(fakeModel(cubic, [1, 2])).element.textContent).toContain("Nothing was found");
  expect(costView(fakeModel(cubic, [1, 2])).element.textContent).toContain("Cost was not asked for");
});
