/** The plot of a function of one number; of several outputs, the one that is chosen. */

import { chooser, element } from "../../dom";
import type { Model, Snapshot, View } from "../../host";
import { derivativeName } from "../../names";
import { linePlot } from "./line_plot";
import { localOf } from "./local";

export function curveView(model: Model): View {
  let output = 0;
  const names = () => {
    const [x = "x"] = model.state.input_names;
    const y = model.state.output_names[output] ?? model.state.name;
    return { x, y, slope: derivativeName(y, [x]), curvature: derivativeName(y, [x, x]) };
  };
  const plot = linePlot({
    names: names(),
    moved: (to) => model.moveTo(Float64Array.of(to)),
    home: () => model.reset(),
  });
  const sample = model.state.tape ? (at: number) => model.evaluate([at], 0)?.value[output] ?? Number.NaN : null;
  const update = (snapshot: Snapshot) => {
    const { point, value, gradient, hessian } = localOf(snapshot.numbers, output);
    const [at, slope, curvature] = [point[0], gradient[0], hessian[0]].map((number) => number ?? Number.NaN) as [
      number,
      number,
      number,
    ];
    plot.update({ at, value, slope, curvature }, snapshot.point[0] ?? Number.NaN);
  };
  const choice = chooser("of output", model.state.output_names, (k) => {
    output = k;
    plot.restart(names(), model.current.point[0] ?? 0);
    plot.setCurve(sample);
    update(model.current);
  });
  let drawn = false;
  return {
    title: "curve",
    element: element("div", {}, model.outputs > 1 ? choice.element : null, plot.element),
    update(snapshot) {
      update(snapshot);
      if (!drawn) plot.setCurve(sample);
      drawn = true;
    },
  };
}
