/** What each way to a derivative takes, the one to use, why, and the call to paste. */

import { copyable } from "../copying";
import { element, scrollable } from "../dom";
import type { Model, View } from "../host";
import { duration, memory, operations } from "../numbers";
import type { Cost, Strategy } from "../wire";
import { words } from "../words";
import { bars } from "./bars";

type Column = readonly [string, (way: Strategy) => number | null, (value: number) => string];

const COLUMNS: readonly Column[] = [
  ["passes", (way) => way.passes, (value) => value.toLocaleString("en-US")],
  ["FLOPs", (way) => way.flops, operations],
  ["time", (way) => way.seconds, duration],
  ["compile", (way) => way.compile_seconds, duration],
  ["temporary memory", (way) => way.temp_bytes, memory],
];

export function costView(model: Model): View {
  const { cost } = model.state;
  const parts = cost ? [first(cost), second(cost)] : [element("p", { class: "jdm-note" }, "Cost was not asked for.")];
  return {
    title: "Cost",
    element: element("div", { class: "jdm-view jdm-stack" }, ...parts),
    update() {}, // counted and measured once, at the report's point
  };
}

function first(cost: Cost): HTMLElement {
  const usable = cost.first.filter((way) => way.infeasible === "");
  const note = (text: string) => (text === "" ? null : element("p", { class: "jdm-note" }, words(text)));
  return element(
    "section",
    { class: "jdm-part", "aria-label": "First derivative" },
    element("h3", { class: "jdm-title" }, "First derivative"),
    element(
      "p",
      { class: "jdm-banner", "data-jdm-tone": "good" },
      element("strong", {}, `★ ${cost.recommended}`),
      ": ",
      words(cost.reason),
    ),
    cost.call === "" ? null : copyable(cost.call, "Copy the call"),
    ...bars(usable, cost.recommended),
    ways("Ways to the first derivative", cost.first, cost.recommended),
    note(cost.rule),
    note(cost.measured ? "" : "Passes and operations were counted; nothing was timed."),
    note(cost.note),
  );
}

function second(cost: Cost): HTMLElement | null {
  const [best] = cost.second;
  if (!best) return null;
  const recommended = best.infeasible === "" ? best.mode : "";
  const call = cost.second.find((way) => way.call !== "" && way.infeasible === "")?.call;
  return element(
    "section",
    { class: "jdm-part", "aria-label": "Hessian" },
    element("h3", { class: "jdm-title" }, "Hessian, by the order of the two modes"),
    ways("Ways to the Hessian", cost.second, recommended),
    call === undefined ? null : copyable(call, "Copy the call"),
  );
}

/** A row for each way; no column without a figure. */
function ways(caption: string, rows: readonly Strategy[], recommended: string): HTMLElement {
  const columns = COLUMNS.filter(([, figure]) => rows.some((way) => figure(way) !== null));
  const table = element(
    "table",
    { class: "jdm-table" },
    element("caption", {}, caption),
    element(
      "thead",
      {},
      element(
        "tr",
        {},
        element("th", { scope: "col" }, "way"),
        ...columns.map(([title]) => element("th", { scope: "col", class: "jdm-right" }, title)),
        element("th", { scope: "col" }, "remark"),
      ),
    ),
    element(
      "tbody",
      {},
      ...rows.map((way) =>
        element(
          "tr",
          {},
          element("th", { scope: "row" }, way.mode),
          ...columns.map(([, figure, write]) => {
            const value = figure(way);
            return element("td", { class: "jdm-right jdm-mono" }, value === null ? "—" : write(value));
          }),
          element("td", { class: "jdm-remark" }, ...remarks(way, recommended)),
        ),
      ),
    ),
  );
  return scrollable(caption, table);
}

function remarks(way: Strategy, recommended: string): (Node | string)[] {
  if (way.infeasible !== "") {
    return [element("span", { class: "jdm-badge", "data-jdm-tone": "warning" }, "✗ ", words(way.infeasible))];
  }
  const badge = element("span", { class: "jdm-badge", "data-jdm-tone": "good" }, "★ recommended");
  const said = [way.because, way.verified].filter((text) => text !== "").join("; ");
  return [...(way.mode === recommended ? [badge, " "] : []), words(said)];
}
