// @vitest-environment happy-dom
/** Formulas, style sheets, and the two ways into a page: as a widget and standalone. */

import { beforeEach, expect, test, vi } from "vitest";
import { installStyles, typeset } from "../src/fonts";
import { mountPage } from "../src/page";
import panel, { mountState } from "../src/panel";
import { cubicState } from "./states";

beforeEach(() => {
  document.head.innerHTML = "";
  document.body.innerHTML = "";
});

function styles(root: ParentNode): string[] {
  return [...root.querySelectorAll("style")].map(({ id }) => id);
}

test("a formula is there to be seen and to be read aloud, and what cannot be read is shown as written", () => {
  const formula = typeset("\\frac{x}{2}");
  expect(formula.querySelector("math mfrac")).not.toBeNull();
  expect(formula.querySelector("[aria-hidden=true]")).not.toBeNull();
  expect(typeset("\\frac{x").textContent).toContain("\\frac{x");
  expect(typeset("\\href{javascript:alert(1)}{x}").querySelector("a")).toBeNull();
});

test("a formula neither covers the page nor expands for ever", () => {
  expect(typeset("\\rule{1000em}{1000em}").querySelector("[aria-hidden=true]")?.innerHTML).not.toContain("1000em");
  expect(typeset("\\def\\a{\\a\\a}\\a").textContent).toContain("\\a");
});

test("style sheets come once to a page; in a shadow root, the fonts come to the page all the same", () => {
  const host = document.createElement("div");
  const inside = document.createElement("div");
  document.body.append(host);
  const shadow = host.attachShadow({ mode: "open" });
  shadow.append(inside);
  for (const _ of [1, 2]) installStyles(inside);
  expect([styles(document.head), styles(shadow)]).toEqual([["jdm-faces"], ["jdm-styles"]]);
  for (const _ of [1, 2]) installStyles(document.body);
  expect(styles(document.head)).toEqual(["jdm-faces", "jdm-styles"]);
  expect(document.head.querySelector("#jdm-faces")?.textContent).toContain("font-family:KaTeX_Main");
  expect(document.head.querySelector("#jdm-faces")?.textContent).not.toMatch(/url\((?!data:)/);
  expect(document.head.querySelector("#jdm-styles")?.textContent).not.toMatch(/@font-face|url\(/);
});

test("a widget's element is filled, and emptied when the widget goes", () => {
  const widget = { get: () => cubicState(), send: vi.fn(), on: vi.fn(), off: vi.fn() };
  const el = document.createElement("div");
  document.body.append(el);
  const leave = panel.render({ model: widget, el });
  expect(el.textContent).toContain("f : ℝ² → ℝ");
  expect([widget.on.mock.calls.length, widget.send.mock.calls.length]).toEqual([1, 0]);
  leave();
  expect(el.childNodes).toHaveLength(0);
  expect(widget.off.mock.calls).toEqual(widget.on.mock.calls);
});

test("a standalone page is filled once from its state, and any other page left alone", () => {
  mountPage();
  expect(document.body.childNodes).toHaveLength(0);
  const data = document.createElement("script");
  data.type = "application/json";
  data.id = "jdm-state";
  data.textContent = JSON.stringify(cubicState({ point: ["inf", 2] }));
  const place = document.createElement("div");
  place.id = "jdm-panel";
  document.body.append(data, place);
  for (const _ of [1, 2]) mountPage();
  expect(place.querySelectorAll("section.jdm-card")).toHaveLength(1);
});

test("a state of another version is told, wherever it comes from", () => {
  const words = "This panel was made by another version of jaxdiff_magic; run the cell again.";
  for (const state of [{ ...cubicState(), version: 2 }, {}, null, undefined, "state", 1]) {
    const widget = { get: () => state, send: vi.fn(), on: vi.fn(), off: vi.fn() };
    const [el, kept] = [document.createElement("div"), document.createElement("div")];
    const leaves = [panel.render({ model: widget, el }), mountState(kept, state)];
    expect([el.textContent, kept.textContent]).toEqual([words, words]);
    for (const leave of leaves) leave();
    expect([el.textContent, kept.textContent]).toEqual(["", ""]);
  }
  document.body.innerHTML = '<script type="application/json" id="jdm-state">null</script><div id="jdm-panel"></div>';
  mountPage();
  expect(document.querySelector("#jdm-panel")?.textContent).toBe(words);
});
