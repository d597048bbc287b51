/** A map of the plane to itself: a circle around the point, and the ellipse that the Jacobian makes of it. */

import { line } from "d3-shape";
import { roundStep } from "../../controls/range";
import { chooser, element, setAttribute, setShown, setText, svg } from "../../dom";
import type { Model, Snapshot, View } from "../../host";
import { symmetricEigen } from "../../linear";
import { brief } from "../../numbers";
import { type Frame, frame, type Interval, innerHeight, innerWidth } from "./frame";
import { handle } from "./handle";
import { around, holding, holdingShown, zoomed } from "./intervals";

const RADII = [1, 0.5, 0.2, 0.1, 0.05] as const;
const CORNERS = 96;
/** The image fills that part of its picture. */
const FILL = 0.42;

type Pair = readonly [number, number];

export function circleView(model: Model): View {
  const { state } = model;
  const [x0 = "x[0]", x1 = "x[1]"] = state.input_names;
  const [y0 = "f[0]", y1 = "f[1]"] = state.output_names;
  let radius: number = RADII[0];
  let across: Interval | null = null;
  let up: Interval = [-1, 1];

  const before = frame({ names: () => [x0, x1], aspect: 0.92, widest: 440, resized: () => draw(model.current) });
  const after = frame({ names: () => [y0, y1], aspect: 0.92, widest: 440, resized: () => draw(model.current) });
  const circle = strokes(before);
  const image = strokes(after);
  const bentPath = svg("path", { class: "jdm-true-image" });
  after.drawing.append(bentPath);
  const facts = element("p", { class: "jdm-plot-fact" });
  const gap = element("p", { class: "jdm-note" });
  const step = () => roundStep((up[1] - up[0]) / 200);
  const stepped = (value: number) => Number((Math.round(value / step()) * step()).toPrecision(12));
  const point = handle(before, {
    label: `the point, ${x0} and ${x1}`,
    plane: true,
    dragged: (px, py) => model.moveTo(Float64Array.of(stepped(before.x.invert(px)), stepped(before.y.invert(py)))),
    nudged(right, upward) {
      const [a = 0, b = 0] = model.current.point;
      model.moveTo(Float64Array.of(stepped(a + right * step()), stepped(b + upward * step())));
    },
    home: () => model.reset(),
  });

  const frameBefore = ([a, b]: Pair) => {
    if (!across) {
      const [wide, high] = [around(a), around(b)];
      const half = Math.max(wide[1] - wide[0], high[1] - high[0]) / 2;
      [across, up] = [
        [a - half, a + half],
        [b - half, b + half],
      ];
    } else [across, up] = [holdingShown(across, toScale(across, before), a), holding(up, b)];
    before.setDomain(toScale(across, before), up);
  };
  const draw = ({ point: reader, numbers }: Snapshot) => {
    const [a = Number.NaN, b = Number.NaN] = numbers.point;
    const [f0 = Number.NaN, f1 = Number.NaN] = numbers.value;
    const [j00 = Number.NaN, j01 = Number.NaN, j10 = Number.NaN, j11 = Number.NaN] = numbers.jacobian ?? [];
    const here: Pair = [reader[0] ?? Number.NaN, reader[1] ?? Number.NaN];
    frameBefore(here);
    const push = (s: number, t: number): Pair => [f0 + j00 * s + j01 * t, f1 + j10 * s + j11 * t];
    const directions = Array.from({ length: CORNERS + 1 }, (_, k): Pair => {
      const angle = (2 * Math.PI * k) / CORNERS;
      return [radius * Math.cos(angle), radius * Math.sin(angle)];
    });
    const ellipse = directions.map(([s, t]) => push(s, t));
    const bent = directions.map(([s, t]): Pair => {
      const value = model.evaluate([a + s, b + t], 0)?.value;
      return [value?.[0] ?? Number.NaN, value?.[1] ?? Number.NaN];
    });
    const reach = Math.max(...ellipse.flatMap(([s, t]) => [Math.abs(s - f0), Math.abs(t - f1)]));
    const half = roundUp(Number.isFinite(reach) && reach > 0 ? reach : 1) / FILL / 2;
    const [middle0, middle1] = [f0, f1].map((value) => (Number.isFinite(value) ? value : 0)) as [number, number];
    after.setDomain(toScale([middle0 - half, middle0 + half], after), [middle1 - half, middle1 + half]);
    circle.draw(
      [a, b],
      directions.map(([s, t]): Pair => [a + s, b + t]),
      [a + radius, b],
      [a, b + radius],
    );
    image.draw([f0, f1], ellipse, push(radius, 0), push(0, radius));
    setAttribute(bentPath, "d", pathIn(after, bent));
    const words = sayings([j00, j01, j10, j11], [x0, x1]);
    setText(facts, words);
    point.place(before.x(here[0]), before.y(here[1]));
    const [low, high] = before.x.domain() as [number, number];
    point.say(here[0], low, high, `${x0} = ${brief(here[0])}, ${x1} = ${brief(here[1])}. ${words}`);
    const place = `(${brief(a)}, ${brief(b)})`;
    before.describe("A circle around the point", `Radius ${radius} around ${place}.`);
    after.describe("Its image under the Jacobian", `An ellipse around (${brief(f0)}, ${brief(f1)}). ${words}`);
    const isGap = here[0] !== a || here[1] !== b;
    setShown(gap, isGap);
    setText(gap, isGap ? `No numbers at (${brief(here[0])}, ${brief(here[1])}); shown are those at ${place}.` : "");
  };
  const size = chooser("radius of the circle", RADII.map(String), (k) => {
    radius = RADII[k] ?? 1;
    draw(model.current);
  });
  const caption = (words: string) => element("figcaption", {}, words);
  return {
    title: "circle and its image",
    element: element(
      "div",
      { class: "jdm-plot-block" },
      facts,
      element(
        "div",
        { class: "jdm-side-by-side" },
        element("figure", {}, caption("before: a circle around the point"), before.element),
        element("figure", {}, caption("after: its image under the Jacobian"), after.element),
      ),
      gap,
      element("div", { class: "jdm-row" }, size.element),
      element(
        "p",
        { class: "jdm-note" },
        `Solid: the step along ${x0} and where the Jacobian takes it; dashed: the one along ${x1}. `,
        state.tape ? "Dotted: where the function itself takes the circle; the smaller the circle, the closer." : "",
      ),
    ),
    update: draw,
  };
}

function strokes(of: Frame) {
  const outline = svg("path", { class: "jdm-outline" });
  const first = svg("path", { class: "jdm-first" });
  const second = svg("path", { class: "jdm-second" });
  const centre = svg("circle", { class: "jdm-centre", r: 3 });
  of.drawing.append(outline, first, second, centre);
  return {
    draw(middle: Pair, ring: Pair[], alongFirst: Pair, alongSecond: Pair) {
      setAttribute(outline, "d", pathIn(of, ring));
      setAttribute(first, "d", pathIn(of, [middle, alongFirst]));
      setAttribute(second, "d", pathIn(of, [middle, alongSecond]));
      if (!middle.every(Number.isFinite)) return;
      setAttribute(centre, "cx", of.x(middle[0]));
      setAttribute(centre, "cy", of.y(middle[1]));
    },
  };
}

function pathIn(of: Frame, points: Pair[]): string {
  const path = line<Pair>(
    ([x]) => of.x(x),
    ([, y]) => of.y(y),
  ).defined((pair) => pair.every(Number.isFinite));
  return path(points) ?? "";
}

/** A circle is to look like one. */
function toScale(across: Interval, of: Frame): Interval {
  return zoomed(across, innerWidth(of) / innerHeight(of), (across[0] + across[1]) / 2);
}

/** The picture of the image changes its scale in steps, so that growing looks like growing. */
function roundUp(value: number): number {
  const step = roundStep(value);
  return step < value ? step * (step * 2 >= value ? 2 : 2.5) : step;
}

function sayings(jacobian: readonly [number, number, number, number], [x0, x1]: readonly [string, string]): string {
  const [a, b, c, d] = jacobian;
  const determinant = a * d - b * c;
  const { values } = symmetricEigen([a * a + c * c, a * b + c * d, a * b + c * d, b * b + d * d], 2);
  const [least, most] = Array.from(values, (value) => Math.sqrt(Math.max(0, value)));
  const side = determinant < 0 ? ", turned over" : determinant === 0 ? ", flattened" : "";
  return (
    `det J = ${brief(determinant)}: areas grow ${brief(Math.abs(determinant))}-fold${side}. ` +
    `Longest stretch ${brief(most ?? Number.NaN)}, shortest ${brief(least ?? Number.NaN)}. ` +
    `A step along ${x0} becomes (${brief(a)}, ${brief(c)}), one along ${x1} (${brief(b)}, ${brief(d)}).`
  );
}
