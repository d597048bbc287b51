/** The plots of a function of two numbers: level lines with what the derivatives say, and the surface. */

import { roundStep } from "../../controls/range";
import { button, chooser, element, setShown, setText } from "../../dom";
import type { Model, Snapshot, View } from "../../host";
import { norm } from "../../linear";
import { brief } from "../../numbers";
import { levelLines } from "./contour";
import { frame, type Interval, innerHeight, innerWidth } from "./frame";
import { type Field, gridAt, sampleGrid } from "./grid";
import { handle } from "./handle";
import { around, holding, holdingShown, zoomed } from "./intervals";
import { localOf, modelAt } from "./local";
import { overlays } from "./overlays";
import { surface } from "./surface";

/** Axes whose scales differ more than that are drawn each to its own. */
const COMPARABLE = 8;

export function planeView(model: Model): View {
  const { state } = model;
  const [xName = "x[0]", yName = "x[1]"] = state.input_names;
  let output = 0;
  let local = localOf(model.current.numbers, output);
  let x: Interval | null = null;
  let y: Interval = [-1, 1];
  let steepest = 1;
  let sampled: { of: Float64Array | null } | null = null;

  const name = () => state.output_names[output] ?? state.name;
  const made = frame({ names: () => [xName, yName], aspect: 0.86, highest: 480, widest: 640, resized: () => draw() });
  const lines = levelLines(made);
  const marks = overlays(made, state);
  const relief = surface(() => [xName, yName, name()]);
  const where = element("p", { class: "jdm-plot-fact" });
  const gap = element("p", { class: "jdm-note" });
  const scales = element("p", { class: "jdm-note" });
  const holes = element("p", { class: "jdm-note", hidden: true }, "Grey: the values are not finite there.");
  const point = handle(made, {
    label: `the point, ${xName} and ${yName}`,
    plane: true,
    dragged: (px, py) => move(made.x.invert(px), made.y.invert(py)),
    nudged: (right, up) => move((local.point[0] ?? 0) + right * step(x), (local.point[1] ?? 0) + up * step(y)),
    home: () => model.reset(),
  });

  const step = (interval: Interval | null) => roundStep(((interval?.[1] ?? 1) - (interval?.[0] ?? 0)) / 200);
  const move = (a: number, b: number) => model.moveTo(Float64Array.of(stepped(a, step(x)), stepped(b, step(y))));

  const field = (): Field => {
    if (state.tape) return (a, b) => model.evaluate([a, b], 0)?.value[output] ?? Number.NaN;
    const here = local;
    return (a, b) => modelAt(here, [a, b]);
  };
  /** Both axes to one scale where the components are comparable: only then is the gradient at right angles. */
  const choose = (a: number, b: number) => {
    [x, y] = [around(a), around(b)];
    const [across, up] = [x[1] - x[0], y[1] - y[0]];
    if (Math.max(across, up) > COMPARABLE * Math.min(across, up)) return;
    const half = Math.max(across, up) / 2;
    y = [b - half, b + half];
    x = [a - half, a + half];
  };
  const isToScale = () => x !== null && Math.abs(x[1] - x[0] - (y[1] - y[0])) < 1e-9 * (y[1] - y[0]);
  /** The intervals as drawn: to one scale, the one that has more pixels shows more. */
  const shownX = (): Interval => {
    if (!x) return [-1, 1];
    return isToScale() ? zoomed(x, innerWidth(made) / innerHeight(made), (x[0] + x[1]) / 2) : x;
  };
  const draw = () => {
    if (!x) return;
    const across = shownX();
    made.setDomain(across, y);
    const grid = sampleGrid(field(), across, y, state.tape ? 64 : 36);
    sampled = { of: state.tape ? null : local.point };
    steepest = scaleOf(norm(local.gradient), steepestOn(model, output, across, y));
    setShown(holes, lines.draw(grid));
    relief.setGrid(grid);
    setText(
      scales,
      isToScale() ? "" : "The two axes are not to one scale, so right angles do not look like right angles.",
    );
    setShown(scales, !isToScale());
    drawLocal(model.current);
  };
  const drawLocal = (snapshot: Snapshot) => {
    const [a = Number.NaN, b = Number.NaN] = snapshot.point;
    lines.mark(local.value);
    marks.draw(local, steepest, name());
    relief.update(local);
    point.place(made.x(a), made.y(b));
    const fact = `${name()} = ${brief(local.value)} at ${xName} = ${brief(local.point[0] ?? Number.NaN)}, ${yName} = ${brief(local.point[1] ?? Number.NaN)}`;
    setText(where, fact);
    point.say(
      a,
      ...(made.x.domain() as [number, number]),
      `${xName} = ${brief(a)}, ${yName} = ${brief(b)}: ${name()} = ${brief(local.value)}`,
    );
    made.describe(`Level lines of ${name()} over ${xName} and ${yName}`, `${fact}. ${marks.words()}`);
    const isGap = snapshot.point.some((value, k) => value !== local.point[k]);
    setShown(gap, isGap);
    setText(gap, isGap ? `No numbers at (${brief(a)}, ${brief(b)}); shown are the last ones.` : "");
  };
  const update = (snapshot: Snapshot) => {
    local = localOf(snapshot.numbers, output);
    const [a = 0, b = 0] = snapshot.point;
    const before = [x, y];
    if (!x) choose(a, b);
    else [x, y] = [holdingShown(x, shownX(), a), holding(y, b)];
    const isOld = sampled === null || (sampled.of !== null && sampled.of !== local.point);
    if (isOld || before[0] !== x || before[1] !== y) draw();
    else drawLocal(snapshot);
  };
  const zoom = (factor: number) => {
    if (!x) return;
    [x, y] = [zoomed(x, factor, local.point[0] ?? 0), zoomed(y, factor, local.point[1] ?? 0)];
    draw();
  };
  const choice = chooser("of output", state.output_names, (k) => {
    output = k;
    sampled = null;
    update(model.current);
  });
  const tools = [
    button("Zoom in", () => zoom(0.5)),
    button("Zoom out", () => zoom(2)),
    button("Centre", () => zoom(1)),
  ];
  return {
    title: "level lines and surface",
    element: element(
      "div",
      { class: "jdm-plot-block" },
      model.outputs > 1 ? choice.element : null,
      where,
      marks.key,
      element(
        "div",
        { class: "jdm-side-by-side" },
        element("figure", {}, made.element),
        element(
          "figure",
          {},
          relief.element,
          element("figcaption", {}, "Drag the surface, or use the arrow keys, to turn it."),
        ),
      ),
      gap,
      holes,
      scales,
      element("div", { class: "jdm-row" }, ...tools),
    ),
    update,
  };
}

/** Such that the arrow at the point is seen well, and still has room to grow. */
function scaleOf(here: number, steep: number): number {
  if (!(here > 0)) return steep || 1;
  return steep > 0 ? Math.min(Math.max(2 * here, steep / 4), steep) : 2 * here;
}

/** The steeper gradients of the picture: one as long gets the longest arrow. */
function steepestOn(model: Model, output: number, x: Interval, y: Interval): number {
  const size = 6;
  const lengths: number[] = [];
  for (let i = 0; i < size * size; i++) {
    const numbers = model.evaluate([gridAt(x, i % size, size), gridAt(y, Math.floor(i / size), size)], 1);
    if (!numbers) continue;
    const length = norm(localOf(numbers, output).gradient);
    if (Number.isFinite(length)) lengths.push(length);
  }
  lengths.sort((a, b) => a - b);
  return lengths[Math.floor(lengths.length * 0.6)] ?? 0;
}

function stepped(value: number, step: number): number {
  return Number((Math.round(value / step) * step).toPrecision(12));
}
