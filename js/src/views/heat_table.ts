/** A table of numbers that can be seen at a glance: blue below zero, orange above, the deeper the larger.
 *
 * Built once; a move changes text and tints in place. The cells are one stop on the way of Tab, arrow keys move between
 * them, and a line beside the tables tells everything about the one that has the focus or lies under the pointer.
 */

import { element, focusable, setAttribute } from "../dom";
import { typeset } from "../fonts";
import { brief, number } from "../numbers";
import type { Detail, Entry } from "./detail";
import { largestEntries } from "./largest";

export interface HeatTable {
  element: HTMLElement;
  update(values: ArrayLike<number>): void;
}

export interface Layout {
  caption: string;
  rows: readonly string[];
  columns: readonly string[];
  /** Where the entry of a row and a column is in the arrays. */
  position(row: number, column: number): number;
  entryName(row: number, column: number): string;
  formulas: readonly (string | null)[] | null;
  dtype: string;
  /** Whether entries on either side of the diagonal are the same. */
  isSymmetric?: boolean;
  /** Where all of it is, said where entries are left out. */
  whole: string;
}

/** More than that does not fit on a page, and nobody reads it. */
export const LIMIT = 12;
/** A longer formula is told below the table, not in its cell. */
const LONG = 90;
/** In a table of more columns, numbers are written with fewer digits. */
const WIDE = 4;

interface Cell extends Entry {
  element: HTMLElement;
  text: Text;
  position: number;
}

export function heatTable(layout: Layout, detail: Detail): HeatTable {
  const rows = layout.rows.slice(0, LIMIT);
  const columns = layout.columns.slice(0, LIMIT);
  const write = columns.length > WIDE ? brief : (value: number) => number(value, layout.dtype);
  const cells = rows.map((_, row) => columns.map((_, column) => cell(layout, row, column)));
  const all = cells.flat();
  const [least, most] = [new Text(), new Text()];
  const ramp = element("span", { class: "jdm-ramp", role: "img", "aria-label": "from blue to orange" });
  const legend = element("p", { class: "jdm-legend" }, least, ramp, most);

  const body = cells.map((row, k) =>
    element("tr", {}, element("th", { scope: "row" }, rows[k] ?? ""), ...row.map((entry) => entry.element)),
  );
  const hasNames = columns.some((name) => name !== "");
  const head = hasNames
    ? element(
        "thead",
        {},
        element("tr", {}, element("td"), ...columns.map((name) => element("th", { scope: "col" }, name))),
      )
    : null;
  const table = element(
    "table",
    { class: "jdm-heat", role: "grid" },
    element("caption", { class: "jdm-unseen" }, layout.caption),
    head,
    element("tbody", {}, ...body),
  );
  walkable(cells, detail.show);
  for (const entry of all) setAttribute(entry.element, "aria-describedby", detail.element.id);
  const isCut = layout.rows.length > LIMIT || layout.columns.length > LIMIT;
  const largestOfAll = isCut ? largestEntries(layout) : null;

  return {
    element: element(
      "div",
      { class: "jdm-block" },
      element("div", { class: "jdm-scroll" }, table),
      all.length > 1 ? legend : null,
      leftOut(layout),
      largestOfAll?.element ?? null,
    ),
    update(values) {
      let scale = 0;
      for (const entry of all) {
        entry.value = values[entry.position] ?? Number.NaN;
        if (Number.isFinite(entry.value)) scale = Math.max(scale, Math.abs(entry.value));
      }
      for (const entry of all) {
        const text = write(entry.value);
        if (entry.text.data !== text) entry.text.data = text;
        // A number alone has nothing to be compared with.
        tint(entry.element, entry.value, all.length > 1 ? scale : Number.POSITIVE_INFINITY);
      }
      const ends = [brief(-scale), brief(scale)] as const;
      if (least.data !== ends[0]) least.data = ends[0];
      largestOfAll?.update(values);
      if (most.data !== ends[1]) most.data = ends[1];
    },
  };
}

function cell(layout: Layout, row: number, column: number): Cell {
  const position = layout.position(row, column);
  const formula = layout.formulas?.[position] ?? null;
  const text = new Text();
  const made = focusable(
    "td",
    { class: "jdm-cell", tabindex: row + column === 0 ? 0 : -1 },
    formula !== null && formula.length <= LONG ? element("span", { class: "jdm-formula" }, typeset(formula)) : null,
    element("span", { class: "jdm-number" }, text),
  );
  return {
    element: made,
    text,
    position,
    name: layout.entryName(row, column),
    formula,
    value: Number.NaN,
    dtype: layout.dtype,
  };
}

function tint(target: HTMLElement, value: number, scale: number): void {
  const sign = Number.isFinite(value) ? (value > 0 ? "+" : value < 0 ? "-" : "0") : "none";
  setAttribute(target, "data-jdm-sign", sign);
  const heat = sign === "+" || sign === "-" ? (Math.abs(value) / scale).toFixed(2) : "0";
  if (target.style.getPropertyValue("--jdm-heat") !== heat) target.style.setProperty("--jdm-heat", heat);
}

/** Arrow keys, Home and End move the focus; only the focused cell can be reached by Tab. */
function walkable(cells: Cell[][], show: (cell: Cell) => void): void {
  let current = cells[0]?.[0];
  const focus = (row: number, column: number) => {
    const next = cells[row]?.[column];
    if (!next) return;
    current?.element.setAttribute("tabindex", "-1");
    current = next;
    next.element.setAttribute("tabindex", "0");
    next.element.focus();
  };
  cells.forEach((line, row) => {
    line.forEach((entry, column) => {
      entry.element.addEventListener("pointerenter", () => show(entry));
      entry.element.addEventListener("click", () => focus(row, column));
      entry.element.addEventListener("focus", () => show(entry));
      entry.element.addEventListener("keydown", (event) => {
        const moves: Record<string, [number, number]> = {
          ArrowUp: [row - 1, column],
          ArrowDown: [row + 1, column],
          ArrowLeft: [row, column - 1],
          ArrowRight: [row, column + 1],
          Home: [row, 0],
          End: [row, line.length - 1],
        };
        const move = moves[event.key];
        if (!move) return;
        event.preventDefault();
        focus(...move);
      });
    });
  });
}

function leftOut(layout: Layout): HTMLElement | null {
  const parts = [
    layout.rows.length > LIMIT ? `the first ${LIMIT} of ${layout.rows.length} rows` : "",
    layout.columns.length > LIMIT ? `the first ${LIMIT} of ${layout.columns.length} columns` : "",
  ].filter((part) => part !== "");
  if (parts.length === 0) return null;
  return element("p", { class: "jdm-note" }, `Shown: ${parts.join(", ")}. All of it is in ${layout.whole}.`);
}
