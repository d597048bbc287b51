/** A function of many numbers along one line: a coordinate, the gradient, or a direction drawn by lot. */

import { button, chooser, element, MOST_CHOICES } from "../../dom";
import type { Model, Snapshot, View } from "../../host";
import { norm } from "../../linear";
import { derivativeName } from "../../names";
import { linePlot } from "./line_plot";
import { curvatureAlong, localOf, slopeAlong } from "./local";

/** The points start + t * direction; along a coordinate, t is the coordinate itself. */
interface Way {
  coordinate: number | null;
  direction: Float64Array;
  start: Float64Array;
}

export function sliceView(model: Model): View {
  const { state, inputs } = model;
  /** Those that are offered, with two places left for the other directions. */
  const coordinates = Math.min(inputs, MOST_CHOICES - 2);
  let output = 0;
  let choice = 0;
  let way = coordinate(0);

  function coordinate(i: number): Way {
    const direction = new Float64Array(inputs).fill(1, i, i + 1);
    const start = Float64Array.from(model.current.point).fill(0, i, i + 1);
    return { coordinate: i, direction, start };
  }
  function along(direction: Float64Array): Way {
    const length = norm(direction);
    const unit = direction.map((entry) => (length > 0 && Number.isFinite(length) ? entry / length : 0));
    return { coordinate: null, direction: unit, start: Float64Array.from(model.current.point) };
  }
  const aim = (): Way => {
    if (choice < coordinates) return coordinate(choice);
    if (choice === coordinates) return along(localOf(model.current.numbers, output).gradient);
    return along(Float64Array.from({ length: inputs }, normal));
  };
  const at = (point: Float64Array) =>
    way.direction.reduce((sum, entry, i) => sum + (entry === 0 ? 0 : entry * (point[i]! - way.start[i]!)), 0);
  const pointAt = (t: number) => way.start.map((entry, i) => entry + t * way.direction[i]!);
  const names = () => {
    const y = state.output_names[output] ?? state.name;
    const x = way.coordinate === null ? "t" : (state.input_names[way.coordinate] ?? "x");
    const slope = way.coordinate === null ? `d${y}/dt` : derivativeName(y, [x]);
    const curvature = way.coordinate === null ? `d²${y}/dt²` : derivativeName(y, [x, x]);
    return { x, y, slope, curvature };
  };
  const plot = linePlot({
    names: names(),
    moved: (t) => model.moveTo(pointAt(t)),
    home: () => model.reset(),
  });
  const curve = () => {
    const { start, direction } = way;
    const sample = (t: number) => {
      const point = start.map((entry, i) => entry + t * direction[i]!);
      return model.evaluate(point, 0)?.value[output] ?? Number.NaN;
    };
    plot.setCurve(state.tape ? sample : null);
  };
  const update = (snapshot: Snapshot) => {
    const local = localOf(snapshot.numbers, output);
    const slope = slopeAlong(local, way.direction);
    const curvature = curvatureAlong(local, way.direction);
    plot.update({ at: at(local.point), value: local.value, slope, curvature }, at(snapshot.point));
  };
  const restart = () => {
    way = aim();
    plot.restart(names(), at(model.current.point));
    update(model.current);
    curve();
  };
  /** Whether the reader has left the line by other means, so that it must be drawn anew through the point. */
  const isOff = (point: Float64Array) => {
    const t = at(point);
    return point.some((entry, i) => {
      const on = way.start[i]! + t * way.direction[i]!;
      return Math.abs(entry - on) > 1e-5 * Math.max(1, Math.abs(entry), Math.abs(on));
    });
  };
  const directions = [...state.input_names.slice(0, coordinates), "the gradient", "a random direction"];
  const line = chooser("along", directions, (k) => {
    choice = k;
    restart();
  });
  const of = chooser("of output", state.output_names, (k) => {
    output = k;
    restart();
  });
  const again = button("Aim again", restart, { title: "Along the gradient at this point, or along another direction" });
  let drawn = false;
  return {
    title: "slice",
    element: element(
      "div",
      {},
      element("div", { class: "jdm-row" }, line.element, model.outputs > 1 ? of.element : null, again),
      plot.element,
    ),
    update(snapshot) {
      if (!drawn || isOff(snapshot.point)) {
        way = drawn && way.coordinate === null ? { ...way, start: Float64Array.from(snapshot.point) } : aim();
        update(snapshot);
        curve();
      }
      drawn = true;
      update(snapshot);
    },
  };
}

/** Box and Muller. */
function normal(): number {
  return Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
}
