/** Level lines of a function of two numbers, with the one through the point. */

import { type ContourMultiPolygon, contours } from "d3-contour";
import { setAttribute, svg } from "../../dom";
import { rough } from "../../numbers";
import type { Frame } from "./frame";
import { type Grid, gridAt, levels } from "./grid";

export interface LevelLines {
  /** Whether there are holes in it, where values are not finite. */
  draw(grid: Grid): boolean;
  /** The level line through the point. */
  mark(value: number): void;
}

/** Labels of neighbouring lines keep that far apart. */
const APART = 44;
/** A hole reaches to the last finite value, and covers the lines that end there. */
const EDGE = 1e-6;

export function levelLines(frame: Frame): LevelLines {
  const bands = svg("g");
  const labels = svg("g");
  const through = svg("path", { class: "jdm-level" });
  const holes = svg("path", { class: "jdm-hole" });
  frame.drawing.append(bands, through, holes, labels);
  let grid: Grid | null = null;
  let values: number[] = [];

  const pixels = (shape: ContourMultiPolygon, of: Grid) =>
    shape.coordinates.flatMap((polygon) => polygon.map((ring) => ring.map(([i, j]) => pixel(frame, of, i!, j!))));
  return {
    draw(next) {
      grid = next;
      const generator = contours().size([next.size, next.size]);
      values = Array.from(next.values);
      const taken: [number, number][] = [];
      const shapes = levels(next.values).map((level) => {
        const rings = pixels(generator.contour(values, level), next);
        const label = labelOf(rings, rough(level), frame, taken);
        return { path: svg("path", { class: "jdm-band", d: pathOf(rings) }), label };
      });
      bands.replaceChildren(...shapes.map((shape) => shape.path));
      labels.replaceChildren(...shapes.flatMap((shape) => (shape.label ? [shape.label] : [])));
      const missing = values.map((value) => (Number.isFinite(value) ? 0 : 1));
      const isWhole = !missing.includes(1);
      setAttribute(holes, "d", isWhole ? "" : pathOf(pixels(generator.contour(missing, EDGE), next)));
      return !isWhole;
    },
    mark(value) {
      if (!grid || !Number.isFinite(value)) return setAttribute(through, "d", "");
      const shape = contours().size([grid.size, grid.size]).contour(values, value);
      setAttribute(through, "d", pathOf(pixels(shape, grid)));
    },
  };
}

/** d3-contour puts the value of a cell at its middle, and closes lines half a cell outside. */
function pixel(frame: Frame, grid: Grid, i: number, j: number): [number, number] {
  return [frame.x(gridAt(grid.x, i - 0.5, grid.size)), frame.y(gridAt(grid.y, j - 0.5, grid.size))];
}

/** Of the rings that can be drawn: at a value that is no number there are none. */
function pathOf(rings: [number, number][][]): string {
  const drawable = rings.filter((ring) => ring.every(([x, y]) => Number.isFinite(x) && Number.isFinite(y)));
  return drawable.map((ring) => `M${ring.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}Z`).join("");
}

/** At a place on the longest line that is inside and away from the others; null where there is none. */
function labelOf(rings: [number, number][][], words: string, frame: Frame, taken: [number, number][]) {
  const longest = rings.reduce((best, ring) => (ring.length > best.length ? ring : best), []);
  const [left, right] = frame.x.range() as [number, number];
  const [bottom, top] = frame.y.range() as [number, number];
  const place = longest.find(
    ([x, y], k) =>
      k % 3 === 0 &&
      x > left + 24 &&
      x < right - 24 &&
      y > top + 12 &&
      y < bottom - 12 &&
      taken.every(([a, b]) => Math.hypot(x - a, y - b) > APART),
  );
  if (!place) return null;
  taken.push(place);
  const [x, y] = place;
  return svg("text", { class: "jdm-level-label", x, y: y + 3.5, "text-anchor": "middle" }, words);
}
