// @vitest-environment happy-dom
/** The card as a whole: what it says first, that it lives and dies cleanly, and that it can be used without a mouse. */

import { beforeEach, expect, test, vi } from "vitest";
import { mountCard } from "../src/card";
import { cubic, type FakeModel, fakeCost, fakeModel, square, sum } from "./fake";

beforeEach(() => {
  document.body.innerHTML = "";
});

function mounted(model: FakeModel) {
  const root = document.createElement("div");
  document.body.append(root);
  const leave = mountCard(root, model);
  const tabs = [...root.querySelectorAll<HTMLElement>("[role=tab]")];
  return { root, leave, tabs, status: root.querySelector<HTMLElement>(".jdm-status")! };
}

const rich = () =>
  fakeModel(cubic, [1, 2], {
    cost: fakeCost,
    findings: [
      {
        kind: "kink",
        severity: "warning",
        path: "x[0]",
        where: "line 3",
        message: "a kink",
        cure: "`f(x)`",
        formula: "x",
      },
    ],
  });

test("it says what was derived and whether that is right, with mark and word", () => {
  const { root } = mounted(rich());
  const header = root.querySelector(".jdm-header")?.textContent;
  expect(header).toContain("f : ℝ");
  expect(header).toContain("✓ proved: the formula derived from the code");
});

test("the status line says in words who stands behind the numbers, and shouts when JAX does not", () => {
  const model = rich();
  const { status } = mounted(model);
  expect(status.getAttribute("aria-live")).toBe("polite");
  model.announce("confirmed");
  expect(status.textContent).toContain("confirmed by JAX");
  expect(status.dataset.jdmLoud).toBe("no");
  model.announce("alone");
  expect(status.textContent).toContain("browser's own numbers, no kernel");
  model.announce("differs", "∂f/∂x[0] is 4.5 by JAX.");
  expect(status.textContent).toContain("∂f/∂x[0] is 4.5 by JAX.");
  expect(status.dataset.jdmLoud).toBe("yes");
  model.announce("failed", "f raised here.");
  expect(status.dataset.jdmLoud).toBe("yes");
});

test("a kernel that answers quickly does not make the status line flicker", () => {
  vi.useFakeTimers();
  const model = rich();
  const { status } = mounted(model);
  model.announce("waiting");
  expect(status.textContent).not.toContain("asking");
  model.announce("confirmed");
  vi.advanceTimersByTime(1000);
  expect(status.textContent).toContain("confirmed");
  model.announce("waiting");
  vi.advanceTimersByTime(1000);
  expect(status.textContent).toContain("asking JAX");
  vi.useRealTimers();
});

test("whatever takes the keyboard keeps JupyterLab from taking its keys", () => {
  for (const model of [
    rich(),
    fakeModel(square, [1, 2]),
    fakeModel(sum, new Array(20).fill(1)),
    fakeModel(cubic, [1, 2], { tape: null }),
  ]) {
    const { root, tabs } = mounted(model);
    for (const tab of tabs) tab.click();
    const focusable = [...root.querySelectorAll("button, input, select, textarea, summary, a, [tabindex]")];
    expect(focusable.length).toBeGreaterThan(10);
    const unprotected = focusable.filter((node) => node.getAttribute("data-lm-suppress-shortcuts") !== "true");
    expect(unprotected.map((node) => node.outerHTML)).toEqual([]);
  }
});

test("two cards on a page share no id", () => {
  mounted(rich());
  mounted(rich());
  const ids = [...document.querySelectorAll("[id]")].map((node) => node.id).filter((id) => id.startsWith("jdm-"));
  expect(ids.length).toBeGreaterThan(10);
  expect(new Set(ids).size).toBe(ids.length);
});

test("what labels and descriptions point at exists", () => {
  const { root } = mounted(rich());
  for (const name of ["aria-labelledby", "aria-describedby", "aria-controls"]) {
    for (const node of root.querySelectorAll(`[${name}]`)) {
      expect(root.querySelector(`#${node.getAttribute(name)}`), `${name} of ${node.outerHTML}`).not.toBeNull();
    }
  }
});

test("arrow keys go through the tabs, and only the tab that is shown is on the way of the Tab key", () => {
  const { root, tabs } = mounted(rich());
  const press = (key: string) =>
    document.activeElement?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  const selected = () =>
    tabs.filter((tab) => tab.getAttribute("aria-selected") === "true").map((tab) => tab.textContent);
  tabs[0]!.focus();
  press("ArrowRight");
  expect(selected()).toEqual(["Plot"]);
  expect(document.activeElement).toBe(tabs[1]);
  press("Home");
  press("ArrowLeft");
  expect(selected()).toEqual(["Findings (⚠ 1)"]);
  expect(tabs.filter((tab) => tab.tabIndex === 0)).toHaveLength(1);
  expect([...root.querySelectorAll<HTMLElement>("[role=tabpanel]")].filter((panel) => !panel.hidden)).toHaveLength(1);
});

test("a view that was hidden while the point moved is right when it is shown", () => {
  const model = rich();
  const { root, tabs } = mounted(model);
  tabs[1]!.click();
  model.moveTo(Float64Array.of(3, 2));
  tabs[0]!.click();
  expect(root.querySelector("[role=tabpanel]:not([hidden])")?.textContent).toContain("12");
});

test("when the card goes, nothing of it stays", () => {
  const model = rich();
  const { root, leave } = mounted(model);
  leave();
  expect(root.childElementCount).toBe(0);
  expect(() => model.moveTo(Float64Array.of(3, 2))).not.toThrow();
});
