/** A function of one number: its curve, and at the point its tangent and osculating parabola, with their numbers.
 *
 * It draws what it is given; where the numbers come from, and what moving means, is its owner's business.
 */

import { line } from "d3-shape";
import { roundStep } from "../../controls/range";
import { button, element, setAttribute, setShown, setText, svg } from "../../dom";
import { brief } from "../../numbers";
import { frame, type Interval } from "./frame";
import { handle } from "./handle";
import { around, extent, holding, zoomed } from "./intervals";
import { key } from "./key";

/** What is known at `at`: NaN for what is not. */
export interface Jet {
  at: number;
  value: number;
  slope: number;
  curvature: number;
}

export interface LineNames {
  x: string;
  y: string;
  /** "∂f/∂x" and "∂²f/∂x²". */
  slope: string;
  curvature: string;
}

export interface LineOptions {
  names: LineNames;
  moved(to: number): void;
  home(): void;
}

export interface LinePlot {
  element: HTMLElement;
  /** The curve has changed: `sample` gives its values, NaN for a gap; null where it cannot be computed. */
  setCurve(sample: ((at: number) => number) | null): void;
  /** `reader` is where the reader is, which is not where `jet` is from when the function failed there. */
  update(jet: Jet, reader: number): void;
  /** Other names from now on, and another stretch of the axis. */
  restart(names: LineNames, at: number): void;
}

const SAMPLES = 181;
/** Samples at either end that do not count for the height of the picture. */
const ENDS = 27;
const ASPECT = 0.58;
/** In pixels, of the words beside the triangle. */
const LABEL_WIDTH = 96;

export function linePlot(options: LineOptions): LinePlot {
  let { names } = options;
  let sample: ((at: number) => number) | null = null;
  let jet: Jet = { at: 0, value: Number.NaN, slope: Number.NaN, curvature: Number.NaN };
  let reader = 0;
  let across: Interval | null = null;
  let up: Interval = [-1, 1];
  let curve: [number, number][] = [];

  const made = frame({
    names: () => [names.x, names.y],
    aspect: ASPECT,
    resized: () => draw(true),
  });
  const curvePath = svg("path", { class: "jdm-curve" });
  const parabola = svg("path", { class: "jdm-parabola" });
  const tangent = svg("path", { class: "jdm-tangent" });
  const triangle = svg("path", { class: "jdm-triangle" });
  const slopeLabel = svg("text", { class: "jdm-plot-label jdm-tangent-ink" });
  made.drawing.append(curvePath, parabola, tangent, triangle, slopeLabel);
  const point = handle(made, {
    label: "the point",
    plane: false,
    dragged: (x) => options.moved(stepped(made.x.invert(x))),
    nudged: (right) => options.moved(stepped(reader + right * step())),
    home: options.home,
  });

  const legend = key(["curve", "tangent", "parabola"]);
  const tools = element(
    "div",
    { class: "jdm-row" },
    button("Zoom in", () => zoom(0.5)),
    button("Zoom out", () => zoom(2)),
    button("Centre", () => zoom(1)),
  );
  const gap = element("p", { class: "jdm-note" });

  const step = () => roundStep(((across?.[1] ?? 1) - (across?.[0] ?? 0)) / 200);
  /** A round number, as far as the plot can tell it from the place that was pressed. */
  const stepped = (value: number) => Number((Math.round(value / step()) * step()).toPrecision(12));
  const zoom = (factor: number) => {
    across = zoomed(across ?? around(reader), factor, reader);
    resample();
    draw(true);
  };
  const resample = () => {
    const [low, high] = across ?? around(reader);
    const wanted = [jet.value];
    if (sample) {
      curve = Array.from({ length: SAMPLES }, (_, k) => low + ((high - low) * k) / (SAMPLES - 1)).map((at) => [
        at,
        sample?.(at) ?? Number.NaN,
      ]);
      // The ends of a steep curve may leave the picture: what happens around the point is to be seen.
      const middle = curve.slice(ENDS, SAMPLES - ENDS).map(([, value]) => value);
      up = extent(middle, ...wanted);
    } else {
      curve = [];
      const half = (high - low) / 4;
      const near = [-half, half].flatMap((d) => [onTangent(jet, jet.at + d), onParabola(jet, jet.at + d)]);
      up = extent(near, ...wanted);
    }
  };
  const draw = (layout: boolean) => {
    if (!across) return;
    if (layout) {
      made.setDomain(across, up);
      setAttribute(curvePath, "d", pathOf(curve));
    }
    drawLocal();
  };

  const path = line<[number, number]>(
    ([at]) => made.x(at),
    ([, value]) => made.y(value),
  ).defined(([, value]) => Number.isFinite(value));
  /** With a gap also where the curve runs out of the picture on one side and comes back on the other, as at a pole. */
  const pathOf = (points: [number, number][]) => {
    const height = up[1] - up[0];
    const broken = points.flatMap(([at, value], k): [number, number][] => {
      const before = points[k - 1]?.[1] ?? value;
      const isPole = Math.abs(value - before) > height && (before - up[0]) * (value - up[0]) < 0;
      return isPole
        ? [
            [at, Number.NaN],
            [at, value],
          ]
        : [[at, value]];
    });
    return path(broken) ?? "";
  };
  const drawLocal = () => {
    const [low, high] = across ?? [0, 1];
    const ends: [number, number][] = [low, high].map((at) => [at, onTangent(jet, at)]);
    setAttribute(tangent, "d", path(ends) ?? "");
    const bend = Array.from({ length: 81 }, (_, k) => low + ((high - low) * k) / 80);
    setAttribute(parabola, "d", path(bend.map((at) => [at, onParabola(jet, at)])) ?? "");
    drawTriangle(low, high);
    point.place(
      made.x(reader),
      made.y(reader === jet.at && Number.isFinite(jet.value) ? jet.value : (up[0] + up[1]) / 2),
    );
    const facts = `${names.y} = ${brief(jet.value)}, slope ${brief(jet.slope)}, second derivative ${brief(jet.curvature)}`;
    point.say(reader, low, high, `${names.x} = ${brief(reader)}: ${facts}`);
    made.describe(
      `${names.y} against ${names.x}, with tangent and osculating parabola`,
      `At ${names.x} = ${brief(jet.at)}: ${facts}.`,
    );
    legend.set("curve", `${names.y} = ${brief(jet.value)}`, `at ${names.x} = ${brief(jet.at)}`);
    legend.set("tangent", `slope ${brief(jet.slope)}`, `= ${names.slope}, the tangent`);
    legend.set("parabola", `curvature ${brief(jet.curvature)}`, `= ${names.curvature}, the parabola`);
  };
  /** So much to the right and so much up: what the number means. */
  const drawTriangle = (low: number, high: number) => {
    const [left, right] = made.x.range() as [number, number];
    const runs = [1 / 4, 1 / 8, -1 / 4, -1 / 8].map(
      (part) => Math.sign(part) * roundStep(Math.abs(part) * (high - low)),
    );
    const hasRoom = (run: number) => {
      const end = made.x(jet.at + run) + Math.sign(run) * LABEL_WIDTH;
      return end > left && end < right;
    };
    const run = runs.find(hasRoom) ?? runs[1]!;
    const [x0, y0] = [made.x(jet.at), made.y(jet.value)];
    const [x1, y1] = [made.x(jet.at + run), made.y(onTangent(jet, jet.at + run))];
    const drawable = [x0, y0, x1, y1].every(Number.isFinite);
    setAttribute(triangle, "d", drawable ? `M${x0} ${y0}H${x1}V${y1}` : "");
    setText(slopeLabel, drawable ? `slope ${brief(jet.slope)}` : "");
    if (!drawable) return;
    const [bottom, top] = made.y.range() as [number, number];
    setAttribute(slopeLabel, "x", x1 + Math.sign(run) * 8);
    setAttribute(slopeLabel, "y", Math.min(Math.max((y0 + y1) / 2 + 4, top + 14), bottom - 6));
    setAttribute(slopeLabel, "text-anchor", run < 0 ? "end" : "start");
  };

  return {
    element: element("div", { class: "jdm-plot-block" }, legend.element, made.element, gap, tools),
    setCurve(next) {
      sample = next;
      across ??= around(reader);
      resample();
      draw(true);
    },
    update(next, where) {
      const moved = next.at !== jet.at;
      jet = next;
      reader = where;
      const before = across;
      across = holding(across ?? around(where), where);
      const isOut = Number.isFinite(jet.value) && (jet.value < up[0] || jet.value > up[1]);
      // Without a curve the picture is the surroundings of the point, and moves with it.
      const again = before !== across || isOut || (sample === null && moved);
      if (again) resample();
      draw(again);
      const isGap = where !== jet.at || !Number.isFinite(jet.value);
      setShown(gap, isGap);
      setText(gap, isGap ? gapWords(names, jet, where) : "");
    },
    restart(next, at) {
      names = next;
      across = around(at);
      reader = at;
    },
  };
}

function onTangent(jet: Jet, at: number): number {
  return jet.value + jet.slope * (at - jet.at);
}

function onParabola(jet: Jet, at: number): number {
  return onTangent(jet, at) + 0.5 * jet.curvature * (at - jet.at) ** 2;
}

function gapWords(names: LineNames, jet: Jet, reader: number): string {
  if (reader === jet.at) return `${names.y} is ${brief(jet.value)} at ${names.x} = ${brief(reader)}.`;
  return `No numbers at ${names.x} = ${brief(reader)}; shown are those at ${names.x} = ${brief(jet.at)}.`;
}
