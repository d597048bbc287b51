/** The plots that suit a function: by how many numbers it takes and gives, one or a choice. */

import { chooser, element, setShown } from "../../dom";
import type { Model, Snapshot, View } from "../../host";
import { words } from "../../words";
import { circleView } from "./circle";
import { curveView } from "./curve";
import { planeView } from "./plane";
import { sliceView } from "./slice";

export function plotView(model: Model): View {
  const plots = plotsOf(model);
  let shown = 0;
  const show = (k: number) => {
    shown = k;
    plots.forEach((plot, j) => {
      setShown(plot.element, j === k);
    });
    plots[k]?.update(model.current);
  };
  const choice = chooser(
    "Plot",
    plots.map((plot) => plot.title),
    show,
  );
  plots.forEach((plot, j) => {
    setShown(plot.element, j === shown);
  });
  return {
    title: "Plot",
    element: element(
      "div",
      { class: "jdm-view" },
      model.state.tape || plots.length === 0 ? null : withoutTape(model.state.tape_missing),
      plots.length > 1 ? element("div", { class: "jdm-row" }, choice.element) : null,
      plots.length === 0 ? element("p", { class: "jdm-note" }, "There is nothing to draw.") : null,
      ...plots.map((plot) => plot.element),
    ),
    update: (snapshot: Snapshot) => plots[shown]?.update(snapshot),
  };
}

function plotsOf(model: Model): View[] {
  const { inputs, outputs } = model;
  if (inputs === 0 || outputs === 0) return [];
  if (inputs === 1) return [curveView(model)];
  if (inputs !== 2) return [sliceView(model)];
  return [...(outputs === 2 ? [circleView(model)] : []), planeView(model), sliceView(model)];
}

function withoutTape(reason: string): HTMLElement {
  return element(
    "p",
    { class: "jdm-banner", "data-jdm-tone": "warning" },
    "The function itself is not drawn",
    reason === "" ? "." : ": ",
    words(reason.replace(/[^.]$/, "$&.")),
    " What is drawn is what the numbers at the point say of its surroundings: value, slope and curvature.",
  );
}
