/** Every derivative computed four ways, with an outcome for each; about the report's point, wherever the reader is. */

import { chooser, element, scrollable, setShown, setText } from "../dom";
import { size } from "../dtypes";
import type { Model, View } from "../host";
import { derivativeName } from "../names";
import { fromWire, number, significant } from "../numbers";
import { OUTCOMES, outcomeBadge, SIGNS } from "../outcomes";
import type { CheckEntry, Num, Outcome } from "../wire";
import { words } from "../words";
import { awayNote } from "./away";

const COLUMNS = ["symbolic", "forward", "reverse", "numeric"] as const;

type Filter = { name: string; keeps(outcome: Outcome): boolean };

/** Whether first derivatives are listed entry by entry, and not the worst of each block, or of each input. */
function hasEveryEntry({ state }: Model): boolean {
  const listed = state.check.entries.filter((entry) => entry.what === "gradient" || entry.what === "jacobian").length;
  const all = sum(state.inputs.map(size)) * sum(state.outputs.map(size));
  return listed === 0 || listed + state.check.left_out >= all;
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

export function checkView(model: Model): View {
  const { check } = model.state;
  const [mark, tone] = SIGNS[check.outcome];
  const summary = element(
    "p",
    { class: "jdm-banner", "data-jdm-tone": tone },
    element("strong", {}, `${mark} ${check.outcome}`),
    ": ",
    words(check.summary),
  );
  const away = awayNote(model, "This check is");
  const rows = check.entries.map((entry) => ({ entry, elements: entryRows(entry, model) }));
  const count = element("span", { class: "jdm-said", role: "status" });
  const filters = filtersOf(check.entries);
  const keep = (index: number) => {
    const filter = filters[index];
    if (!filter) return;
    let shown = 0;
    for (const { entry, elements } of rows) {
      const kept = filter.keeps(entry.outcome);
      if (kept) shown += 1;
      for (const row of elements) setShown(row, kept);
    }
    setText(count, `${shown} of ${rows.length} shown`);
  };
  const choice = chooser(
    "Show",
    filters.map((filter) => filter.name),
    keep,
  );
  const notes = [
    ...(check.left_out ? [`${check.left_out.toLocaleString("en-US")} more are left out; none of them is worse.`] : []),
    ...Object.entries(check.columns).map(([column, reason]) => `No ${column} column: ${reason}`),
    ...check.not_covered.map((gap) => `Not covered: ${gap}`),
  ];
  const table = element(
    "table",
    { class: "jdm-table" },
    element(
      "caption",
      {},
      `${hasEveryEntry(model) ? "Every derivative" : "The worst entry of each derivative"}, computed four ways`,
    ),
    element(
      "thead",
      {},
      element(
        "tr",
        {},
        element("td"),
        // Beside the name, so that it is in sight also in a narrow column.
        element("th", { scope: "col" }, "outcome"),
        ...[...COLUMNS, "error"].map((name) => element("th", { scope: "col", class: "jdm-right" }, name)),
      ),
    ),
    element("tbody", {}, ...rows.flatMap((row) => row.elements)),
  );
  if (rows.length > 0) keep(0);
  return {
    title: "Check",
    element: element(
      "div",
      { class: "jdm-view" },
      summary,
      away.element,
      rows.length > 1 ? element("div", { class: "jdm-row" }, choice.element, count) : null,
      rows.length > 0 ? scrollable("entries of the check", table) : null,
      ...notes.map((note) => element("p", { class: "jdm-note" }, words(note))),
    ),
    update: away.update,
  };
}

/** The filters that would show something, with how much. */
function filtersOf(entries: readonly CheckEntry[]): Filter[] {
  const wrong = (outcome: Outcome) => outcome === "differs" || outcome === "out of reach";
  const filters: Filter[] = [
    { name: "everything", keeps: () => true },
    { name: "only what is not right", keeps: wrong },
    ...OUTCOMES.map((outcome) => ({ name: `only: ${outcome}`, keeps: (other: Outcome) => other === outcome })),
  ];
  return filters
    .map((filter) => ({ filter, count: entries.filter((entry) => filter.keeps(entry.outcome)).length }))
    .filter(({ filter, count }) => count > 0 || filter.keeps === wrong)
    .map(({ filter, count }) => ({ ...filter, name: `${filter.name} (${count})` }));
}

function entryRows(entry: CheckEntry, model: Model): HTMLElement[] {
  const dtype = model.state.outputs[0]?.dtype ?? "float64";
  const figure = (text: string) => element("td", { class: "jdm-right jdm-mono" }, text);
  const write = (value: Num | null, of: string) => (value === null ? "—" : number(fromWire(value), of));
  const numbers = element(
    "tr",
    { "data-jdm-outcome": entry.outcome },
    element("th", { scope: "row" }, derivativeName(entry.output, entry.inputs)),
    element("td", {}, outcomeBadge(entry.outcome)),
    // Symbolic and numeric columns are computed in float64 whatever the dtype.
    figure(write(entry.symbolic, "float64")),
    figure(write(entry.forward, dtype)),
    figure(write(entry.reverse, dtype)),
    figure(write(entry.numeric, "float64")),
    figure(entry.error === null ? "—" : `${significant(fromWire(entry.error), 2)} ulp`),
  );
  if (entry.reason === "") return [numbers];
  const tone = SIGNS[entry.outcome][1];
  const reason = element(
    "td",
    { colspan: COLUMNS.length + 3, "data-jdm-tone": tone },
    element("span", {}, words(entry.reason)),
  );
  return [numbers, element("tr", { class: "jdm-reason" }, reason)];
}
