/** The first screen of a model: its leaves by module, where what is wrong begins, its curvature, what it keeps. */

import { element, focusable, scrollable, setShown, svg, uniqueId } from "../dom";
import type { Model, View } from "../host";
import { fromWire, significant } from "../numbers";
import { outcomeBadge } from "../outcomes";
import type { LeafModule, LeafRow, LeafTable, Num } from "../wire";
import { words } from "../words";
import { awayNote } from "./away";

const HEADER = ["parameter", "shape", "|grad|", "ratio", "", "zeros", "check"];
const NUMBERS = new Set(["|grad|", "ratio", "zeros"]);
/** The drawing's own width; it is stretched to the column's. */
const LENGTH = 100;

export function leavesView(model: Model, told: LeafTable): View {
  const away = awayNote(model, "This table is");
  const more = told.left_out;
  return {
    title: "Leaves",
    element: element(
      "div",
      { class: "jdm-view" },
      ...told.begins.map(({ tone, said }) =>
        element("p", { class: "jdm-banner", "data-jdm-tone": tone }, element("strong", {}, said[0]), words(said[1])),
      ),
      away.element,
      table(told),
      more === 0
        ? null
        : element(
            "p",
            { class: "jdm-note" },
            `${more.toLocaleString("en-US")} more: all of them are in report.leaves.`,
          ),
      told.facts.length === 0
        ? null
        : element(
            "dl",
            { class: "jdm-facts" },
            ...told.facts.flatMap(([name, said]) => [element("dt", {}, name), element("dd", {}, words(said))]),
          ),
    ),
    update: away.update,
  };
}

function table(told: LeafTable): HTMLElement {
  const made = element(
    "table",
    { class: "jdm-table jdm-leaves" },
    element("caption", {}, told.caption),
    element(
      "thead",
      {},
      element(
        "tr",
        {},
        ...HEADER.map((name) =>
          name === ""
            ? element("td", {})
            : element("th", { scope: "col", class: NUMBERS.has(name) ? "jdm-right" : undefined }, name),
        ),
      ),
    ),
    ...told.modules.map(body),
  );
  return scrollable("leaves", made);
}

/** A module is a row with a button that folds its leaves away; a leaf without one is a row alone. */
function body(module: LeafModule): HTMLElement {
  if (module.rows.length === 0) return element("tbody", {}, row(module.whole, module.whole.name));
  const rows = module.rows.map((leaf) => {
    const made = row(leaf, leaf.name, "jdm-inner");
    made.id = uniqueId("leaf");
    return made;
  });
  const mark = element("span", { class: "jdm-fold-mark", "aria-hidden": "true" });
  const fold = focusable(
    "button",
    { type: "button", class: "jdm-fold", "aria-controls": rows.map(({ id }) => id).join(" ") },
    mark,
    module.whole.name,
  );
  const show = (isOpen: boolean) => {
    fold.setAttribute("aria-expanded", String(isOpen));
    mark.textContent = isOpen ? "▾" : "▸";
    for (const leaf of rows) setShown(leaf, isOpen);
  };
  fold.addEventListener("click", () => show(fold.getAttribute("aria-expanded") !== "true"));
  show(module.open);
  return element("tbody", {}, row(module.whole, fold), ...rows);
}

function row(leaf: LeafRow, name: Node | string, kind?: string): HTMLElement {
  const broken = leaf.nonfinite > 0;
  const number = (value: Num | null) => {
    const text = value === null ? "—" : significant(fromWire(value), 3);
    return element("td", { class: "jdm-right jdm-mono" }, text);
  };
  return element(
    "tr",
    { class: kind, "data-jdm-broken": broken },
    element("th", { scope: "row" }, name),
    element("td", {}, leaf.shape),
    number(leaf.gradient),
    number(leaf.ratio),
    element("td", { class: "jdm-bar-cell" }, bar(leaf.share, broken)),
    element("td", { class: "jdm-right jdm-mono" }, broken || leaf.zeros === null ? "—" : percent(fromWire(leaf.zeros))),
    element("td", {}, outcome(leaf)),
  );
}

function outcome(leaf: LeafRow): Node | string {
  if (leaf.nonfinite > 0) {
    const said = `${leaf.nonfinite.toLocaleString("en-US")} not finite`;
    return element("span", { class: "jdm-badge", "data-jdm-tone": "bad" }, said);
  }
  return leaf.outcome === "" ? "—" : outcomeBadge(leaf.outcome);
}

/** Says nothing that the number beside it does not. */
function bar(share: number, broken: boolean): SVGElement {
  return svg(
    "svg",
    { class: "jdm-bar", viewBox: `0 0 ${LENGTH} 10`, preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("rect", {
      class: "jdm-bar-part",
      "data-jdm-mode": broken ? "broken" : "forward",
      width: LENGTH * share,
      height: 10,
    }),
  );
}

/** Never 0 or 100 for what is not quite that. */
function percent(share: number): string {
  if (share > 0 && share < 0.01) return "< 1 %";
  if (share > 0.99 && share < 1) return "> 99 %";
  return `${Math.round(100 * share)} %`;
}
