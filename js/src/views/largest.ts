/** What a table leaves out, at a glance: its largest entries by name, and a small map of all of them. */

import { element, setText } from "../dom";
import { brief, number } from "../numbers";
import type { Layout } from "./heat_table";

/** As many as the static output names: see show/limits.py. */
export const MOST = 12;
/** Cells of a side of the map; each is the entry of largest size of those that it stands for. */
export const SIDE = 32;
const BELOW = [47, 116, 192] as const;
const ABOVE = [213, 117, 15] as const;
const BROKEN = [125, 125, 125] as const;
/** The faintest entry is still seen, so that only what is exactly 0 is empty. */
const FAINTEST = 0.22;

export function largestEntries(layout: Layout) {
  const rows = layout.rows.length;
  const columns = layout.columns.length;
  const names = Array.from({ length: MOST }, () => new Text());
  const values = names.map(() => new Text());
  const lines = names.map((name, k) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, name),
      element("td", { class: "jdm-right jdm-mono" }, values[k] ?? null),
    ),
  );
  const size = (rows * columns).toLocaleString("en-US");
  const shape = shapeOf(layout);
  const map = element("canvas", { class: "jdm-map", width: shape.width, height: shape.height, role: "img" });
  const table = element(
    "table",
    { class: "jdm-table" },
    element("caption", {}, `The largest of its ${size} entries`),
    element("tbody", {}, ...lines),
  );
  return {
    element: element("div", { class: "jdm-largest" }, table, map),
    update(all: ArrayLike<number>) {
      const found = largest(layout, all);
      lines.forEach((line, k) => {
        line.hidden = found[k] === undefined;
        const entry = found[k];
        if (!entry) return;
        setText(names[k] as Text, layout.entryName(entry.row, entry.column));
        setText(values[k] as Text, number(entry.value, layout.dtype));
      });
      const cells = cellsOf(layout, all);
      const scale = cells.flat().reduce((most, x) => (Number.isFinite(x) ? Math.max(most, Math.abs(x)) : most), 0);
      draw(map, cells, scale);
      const said = `Map of ${rows} by ${columns} entries, blue below zero, orange above; the largest is ${brief(scale)} in size`;
      if (map.getAttribute("aria-label") !== said) map.setAttribute("aria-label", said);
    },
  };
}

interface Found {
  row: number;
  column: number;
  value: number;
}

/** What is not finite counts as larger than all; of a symmetric matrix each pair is told once. */
function largest(layout: Layout, all: ArrayLike<number>): Found[] {
  const size = ({ value }: Found) => (Number.isFinite(value) ? Math.abs(value) : Number.POSITIVE_INFINITY);
  const found: Found[] = [];
  for (let row = 0; row < layout.rows.length; row++) {
    for (let column = layout.isSymmetric ? row : 0; column < layout.columns.length; column++) {
      found.push({ row, column, value: all[layout.position(row, column)] ?? Number.NaN });
    }
  }
  return found.sort((a, b) => size(b) - size(a) || a.row - b.row || a.column - b.column).slice(0, MOST);
}

/** A list lies down. */
function shapeOf(layout: Layout): { m: number; n: number; width: number; height: number; isList: boolean } {
  const isList = layout.columns.length === 1;
  const [m, n] = isList ? [1, layout.rows.length] : [layout.rows.length, layout.columns.length];
  return { m, n, width: Math.min(n, SIDE), height: Math.min(m, SIDE), isList };
}

function cellsOf(layout: Layout, all: ArrayLike<number>): number[][] {
  const { m, n, width, height, isList } = shapeOf(layout);
  const cells = Array.from({ length: height }, () => new Array<number>(width).fill(0));
  for (let row = 0; row < m; row++) {
    const line = cells[Math.floor((row * height) / m)] ?? [];
    for (let column = 0; column < n; column++) {
      const place = Math.floor((column * width) / n);
      const value = all[isList ? layout.position(column, 0) : layout.position(row, column)] ?? Number.NaN;
      if (!Number.isFinite(value) || Math.abs(value) > Math.abs(line[place] ?? 0)) line[place] = value;
    }
  }
  return cells;
}

function draw(map: HTMLCanvasElement, cells: number[][], scale: number): void {
  const context = map.getContext("2d");
  if (!context) return;
  context.clearRect(0, 0, map.width, map.height);
  cells.forEach((line, y) => {
    line.forEach((value, x) => {
      if (value === 0) return;
      const [r, g, b] = !Number.isFinite(value) ? BROKEN : value < 0 ? BELOW : ABOVE;
      const depth = Number.isFinite(value) && scale > 0 ? Math.max(FAINTEST, Math.abs(value) / scale) : 1;
      context.fillStyle = `rgba(${r}, ${g}, ${b}, ${depth.toFixed(2)})`;
      context.fillRect(x, y, 1, 1);
    });
  });
}
