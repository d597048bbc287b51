/** The graph of a function of two numbers as a surface that can be turned, with the point and its tangent plane. */

import { element, focusableSvg, setAttribute, setText, svg, uniqueId } from "../../dom";
import { brief, rough } from "../../numbers";
import { whenResized } from "./frame";
import { type Grid, gridAt } from "./grid";
import { draggable } from "./handle";
import { extent } from "./intervals";
import type { Local } from "./local";
import { project, type Sight } from "./projection";

export interface Surface {
  element: HTMLElement;
  setGrid(grid: Grid): void;
  update(local: Local): void;
}

type Place = readonly [number, number, number];

/** Quads along a side: enough to see the shape, few enough to turn smoothly. */
const QUADS = 23;
const SHADES = 8;
const HEIGHT = 0.75;
const ASPECT = 0.78;
const QUARTER = Math.PI / 2;

export function surface(names: () => readonly [string, string, string]): Surface {
  const title = svg("title", { id: uniqueId("title") });
  const description = svg("desc", { id: uniqueId("desc") });
  const floor = svg("path", { class: "jdm-floor" });
  const quads = Array.from({ length: QUADS * QUADS }, () => svg("path", { class: "jdm-quad" }));
  const plane = svg("path", { class: "jdm-tangent-plane" });
  const stem = svg("path", { class: "jdm-stem" });
  const dot = svg("circle", { class: "jdm-handle-dot", r: 5.5 });
  const labels = Array.from({ length: 7 }, (_, k) =>
    svg("text", { class: k % 3 === 0 ? "jdm-axis-name" : "jdm-tick", "text-anchor": "middle" }),
  );
  const picture = svg(
    "g",
    { class: "jdm-picture", role: "img", "aria-labelledby": title.id, "aria-describedby": description.id },
    ...[title, description, floor, ...quads, plane, stem, dot, ...labels],
  );
  const grip = svg("rect", { class: "jdm-grip" });
  const turner = focusableSvg("g", { class: "jdm-turner", role: "slider", "aria-label": "direction of view" }, grip);
  const root = svg("svg", { class: "jdm-plot" }, turner, picture);
  const place = element("div", { class: "jdm-plot-place" }, root);

  let width = 0;
  let height = 0;
  let sight: Sight = { turn: -0.6, elevation: 0.5 };
  let grid: Grid | null = null;
  let low = 0;
  let high = 1;
  /** The values between those that there are. */
  let shown: [number, number] = [0, 1];
  let local: Local | null = null;

  const unit = (x: number, y: number, z: number): Place => [
    grid ? (x - grid.x[0]) / (grid.x[1] - grid.x[0]) - 0.5 : 0,
    grid ? (y - grid.y[0]) / (grid.y[1] - grid.y[0]) - 0.5 : 0,
    HEIGHT * (Math.min(Math.max((z - low) / (high - low), 0), 1) - 0.5),
  ];
  const screen = (at: Place) => {
    const seen = project(at, sight);
    const scale = Math.min(width * 0.56, height * 0.68);
    return { x: width / 2 + seen.across * scale, y: height * 0.49 - seen.up * scale, depth: seen.depth };
  };
  const path = (corners: Place[]) =>
    `M${corners
      .map(screen)
      .map(({ x, y }) => `${x.toFixed(1)} ${y.toFixed(1)}`)
      .join("L")}Z`;

  const drawQuads = () => {
    if (!grid) return;
    const { size, values, x, y } = grid;
    const node = (k: number) => Math.round((k * (size - 1)) / QUADS);
    const corner = (i: number, j: number): [Place, number] => {
      const z = values[node(j) * size + node(i)] ?? Number.NaN;
      return [unit(gridAt(x, node(i), size), gridAt(y, node(j), size), z), z];
    };
    const drawn: { d: string; depth: number; shade: number }[] = [];
    for (let j = 0; j < QUADS; j++) {
      for (let i = 0; i < QUADS; i++) {
        const corners = [corner(i, j), corner(i + 1, j), corner(i + 1, j + 1), corner(i, j + 1)];
        const mean = corners.reduce((sum, [, z]) => sum + z / 4, 0);
        if (!Number.isFinite(mean)) continue;
        const places = corners.map(([at]) => at);
        const depth = places.reduce((sum, at) => sum + project(at, sight).depth / 4, 0);
        const shade = Math.floor(Math.min(Math.max((mean - low) / (high - low), 0), 0.999) * SHADES);
        drawn.push({ d: path(places), depth, shade });
      }
    }
    // The painter's order: what is far away first, so that what is near covers it.
    drawn.sort((a, b) => b.depth - a.depth);
    quads.forEach((quad, k) => {
      setAttribute(quad, "d", drawn[k]?.d ?? "");
      setAttribute(quad, "data-jdm-shade", drawn[k]?.shade ?? 0);
    });
  };
  const drawFloor = () => {
    if (!grid) return;
    const [[x0, x1], [y0, y1]] = [grid.x, grid.y];
    setAttribute(floor, "d", path([unit(x0, y0, low), unit(x1, y0, low), unit(x1, y1, low), unit(x0, y1, low)]));
    // Written along the two edges that are in front.
    const frontY = project([0, 0.5, 0], sight).depth < project([0, -0.5, 0], sight).depth ? 0.62 : -0.62;
    const frontX = project([0.5, 0, 0], sight).depth < project([-0.5, 0, 0], sight).depth ? 0.62 : -0.62;
    const bottom = -HEIGHT / 2;
    const [xName, yName, zName] = names();
    const written: [Place, string][] = [
      [[0, frontY, bottom], xName],
      [[-0.42, frontY, bottom], rough(x0)],
      [[0.42, frontY, bottom], rough(x1)],
      [[frontX, 0, bottom], yName],
      [[frontX, -0.42, bottom], rough(y0)],
      [[frontX, 0.42, bottom], rough(y1)],
    ];
    written.forEach(([at, words], k) => {
      const label = labels[k];
      if (label) write(label, screen(at), words);
    });
    const last = labels[6];
    if (last) write(last, { x: width / 2, y: 14 }, `${zName} from ${rough(shown[0])} to ${rough(shown[1])}`);
  };
  const drawPoint = () => {
    if (!local || !grid) return;
    const [x = Number.NaN, y = Number.NaN] = local.point;
    const [g0 = Number.NaN, g1 = Number.NaN] = local.gradient;
    const f = local.value;
    const isInside = f >= low && f <= high;
    const half = [0.14 * (grid.x[1] - grid.x[0]), 0.14 * (grid.y[1] - grid.y[0])] as const;
    const lift = (a: number, b: number) =>
      unit(x + a * half[0], y + b * half[1], f + a * half[0] * g0 + b * half[1] * g1);
    const corners = [lift(-1, -1), lift(1, -1), lift(1, 1), lift(-1, 1)];
    const drawable = isInside && corners.flat().every(Number.isFinite);
    setAttribute(plane, "d", drawable ? path(corners) : "");
    const [top, foot] = [screen(unit(x, y, f)), screen(unit(x, y, low))];
    dot.toggleAttribute("hidden", !isInside);
    if (isInside) {
      setAttribute(dot, "cx", top.x);
      setAttribute(dot, "cy", top.y);
    }
    setAttribute(stem, "d", isInside ? `M${foot.x} ${foot.y}L${top.x} ${top.y}` : "");
    const [xName, yName, zName] = names();
    setText(title, `${zName} as a surface over ${xName} and ${yName}`);
    setText(
      description,
      `At (${brief(x)}, ${brief(y)}): ${zName} = ${brief(f)}; the tangent plane rises ${brief(g0)} along ${xName} and ${brief(g1)} along ${yName}.`,
    );
  };
  const draw = () => {
    drawFloor();
    drawQuads();
    drawPoint();
    const degrees = (radians: number) => Math.round((radians * 180) / Math.PI);
    const turned = ((degrees(sight.turn) % 360) + 360) % 360;
    setAttribute(turner, "aria-valuemin", 0);
    setAttribute(turner, "aria-valuemax", 359);
    setAttribute(turner, "aria-valuenow", turned);
    setAttribute(turner, "aria-valuetext", `turned ${turned} degrees, from ${degrees(sight.elevation)} degrees above`);
  };
  const turn = (across: number, up: number) => {
    const elevation = Math.min(Math.max(sight.elevation + up, 0.05), QUARTER - 0.05);
    sight = { turn: sight.turn + across, elevation };
    draw();
  };
  let from: [number, number] | null = null;
  grip.addEventListener("pointerdown", () => {
    from = null;
  });
  draggable(grip, (event) => {
    if (from) turn((event.clientX - from[0]) * 0.01, (event.clientY - from[1]) * 0.01);
    from = [event.clientX, event.clientY];
  });
  turner.addEventListener("keydown", (event) => {
    const keys: Record<string, [number, number]> = {
      ArrowLeft: [-0.1, 0],
      ArrowRight: [0.1, 0],
      ArrowUp: [0, 0.08],
      ArrowDown: [0, -0.08],
    };
    const by = keys[event.key];
    if (!by) return;
    event.preventDefault();
    turn(...by);
  });
  const resize = (available: number) => {
    width = Math.round(Math.min(available, 640));
    height = Math.round(width * ASPECT);
    setAttribute(root, "width", width);
    setAttribute(root, "height", height);
    setAttribute(grip, "width", width);
    setAttribute(grip, "height", height);
    draw();
  };
  resize(420);
  whenResized(place, resize);

  return {
    element: place,
    setGrid(next) {
      grid = next;
      [low, high] = extent(next.values);
      const drawn = Array.from(next.values).filter((z) => z >= low && z <= high);
      shown = drawn.length > 0 ? [Math.min(...drawn), Math.max(...drawn)] : [low, high];
      draw();
    },
    update(next) {
      local = next;
      drawPoint();
    },
  };
}

function write(label: SVGTextElement, { x, y }: { x: number; y: number }, words: string): void {
  setAttribute(label, "x", x.toFixed(1));
  setAttribute(label, "y", (y + 4).toFixed(1));
  setText(label, words);
}
