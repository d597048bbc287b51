/** The point, in the reader's hands: its components, the way back, and the way to a stationary point. */

import { button, chooser, element } from "../dom";
import { size } from "../dtypes";
import type { Model, Snapshot } from "../host";
import { isAt } from "../place";
import { type ComponentControl, componentControl } from "./component";
import { stationaryControl } from "./stationary";

/** More sliders than that are a wall; then one slider serves the component that is chosen. */
export const MOST = 12;

export interface PointControls {
  element: HTMLElement;
  update(snapshot: Snapshot): void;
  stop(): void;
}

export function pointControls(model: Model): PointControls {
  const components = model.inputs <= MOST ? allComponents(model) : chosenComponent(model);
  const reset = button("Reset", () => model.reset(), { title: "Back to the report's point" });
  const stationary = stationaryControl(model);
  return {
    element: element(
      "section",
      { class: "jdm-controls", "aria-label": "Point" },
      components.element,
      element("div", { class: "jdm-row" }, reset, stationary?.button ?? null, stationary?.said ?? null),
    ),
    update(snapshot) {
      components.update(snapshot.point);
      reset.setAttribute("aria-disabled", String(isAt(model.state, snapshot.point)));
    },
    stop: () => stationary?.stop(),
  };
}

function allComponents(model: Model) {
  const controls = model.state.input_names.map((name, k) => componentControl(name, dtypeOf(model, k), mover(model, k)));
  return {
    element: element("div", { class: "jdm-components" }, ...controls.map((control) => control.element)),
    update(point: Float64Array) {
      controls.forEach((control, k) => {
        control.update(point[k] ?? Number.NaN);
      });
    },
  };
}

function chosenComponent(model: Model) {
  let chosen = 0;
  const names = model.state.input_names;
  const control: ComponentControl = componentControl(names[0] ?? "", dtypeOf(model, 0), (value) =>
    mover(model, chosen)(value),
  );
  const choice = chooser(`Component (of ${names.length})`, names, (k) => {
    chosen = k;
    control.rename(names[k] ?? "");
    control.update(model.current.point[k] ?? Number.NaN);
  });
  return {
    element: element("div", { class: "jdm-components" }, choice.element, control.element),
    update: (point: Float64Array) => control.update(point[chosen] ?? Number.NaN),
  };
}

function mover(model: Model, component: number) {
  return (value: number) => {
    const point = Float64Array.from(model.current.point);
    point[component] = value;
    model.moveTo(point);
  };
}

/** The dtype of the leaf that a component belongs to. */
function dtypeOf(model: Model, component: number): string {
  let end = 0;
  for (const leaf of model.state.inputs) {
    end += size(leaf);
    if (component < end) return leaf.dtype;
  }
  return "float64";
}
