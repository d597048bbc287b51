/** Value, gradient or Jacobian, Hessian: formula and number side by side, and what the curvature says. */

import { chooser, element, setShown } from "../dom";
import type { Model, Snapshot, View } from "../host";
import { derivativeName } from "../names";
import type { Derivative } from "../wire";
import { words } from "../words";
import { closedForm } from "./closed_form";
import { curvatureBlock } from "./curvature";
import { type Detail, detailLine } from "./detail";
import { type HeatTable, heatTable } from "./heat_table";

interface Part {
  element: HTMLElement;
  update(snapshot: Snapshot): void;
}

export function derivativesView(model: Model): View {
  const detail = detailLine();
  const parts = [valuePart, firstPart, secondPart, curvatureBlock]
    .map((part) => part(model, detail))
    .filter((part) => part !== null);
  return {
    title: "Derivatives",
    element: element(
      "div",
      { class: "jdm-view" },
      element("div", { class: "jdm-parts" }, ...parts.map((part) => part.element)),
      detail.element,
    ),
    update(snapshot) {
      for (const part of parts) part.update(snapshot);
      detail.refresh();
    },
  };
}

function valuePart(model: Model, detail: Detail): Part {
  const { state } = model;
  const told = derivative(model, ["value"]);
  const table = heatTable(
    {
      caption: `Value of ${state.name}`,
      rows: state.output_names,
      columns: [""],
      position: (row) => row,
      entryName: (row) => state.output_names[row] ?? "",
      // Said above already.
      formulas: model.outputs === 1 && told?.closed.length ? null : (told?.formulas ?? null),
      dtype: dtype(model),
      whole: "report.value",
    },
    detail,
  );
  return part(`Value of ${state.name}`, told, table, (snapshot) => snapshot.numbers.value);
}

function firstPart(model: Model, detail: Detail): Part | null {
  const { state, inputs, outputs } = model;
  const told = derivative(model, ["gradient", "jacobian"]);
  if (!told && model.current.numbers.jacobian === null) return null;
  const scalar = outputs === 1;
  const common = { formulas: told?.formulas ?? null, dtype: dtype(model) };
  const by = listed(state.inputs.map((leaf) => leaf.name));
  const [output = ""] = state.output_names;
  const of = listed(state.outputs.map((leaf) => leaf.name));
  const title = `${scalar ? (inputs === 1 ? "Derivative" : "Gradient") : "Jacobian"} of ${of} by ${by}`;
  const table = scalar
    ? heatTable(
        {
          ...common,
          caption: title,
          rows: state.input_names,
          columns: [""],
          position: (row) => row,
          entryName: (row) => derivativeName(output, [state.input_names[row] ?? ""]),
          whole: "report.gradient",
        },
        detail,
      )
    : heatTable(
        {
          ...common,
          caption: title,
          rows: state.output_names,
          columns: state.input_names,
          position: (row, column) => row * inputs + column,
          entryName: (row, column) => derivativeName(state.output_names[row] ?? "", [state.input_names[column] ?? ""]),
          whole: "report.jacobian",
        },
        detail,
      );
  return part(title, told, table, (snapshot) => snapshot.numbers.jacobian);
}

function secondPart(model: Model, detail: Detail): Part | null {
  const { state, inputs, outputs } = model;
  const told = derivative(model, ["hessian"]);
  if (!told && model.current.numbers.hessian === null) return null;
  const ofOutput = (k: number) =>
    heatTable(
      {
        caption: `Hessian of ${state.output_names[k] ?? state.name} by ${listed(state.inputs.map((leaf) => leaf.name))}`,
        rows: state.input_names,
        columns: inputs === 1 ? [""] : state.input_names,
        position: (row, column) => (k * inputs + row) * inputs + column,
        entryName: (row, column) =>
          derivativeName(state.output_names[k] ?? "", [state.input_names[row] ?? "", state.input_names[column] ?? ""]),
        formulas: told?.formulas ?? null,
        dtype: dtype(model),
        isSymmetric: true,
        whole: "report.hessian",
      },
      detail,
    );
  const place = element("div");
  let table: HeatTable;
  const choose = (k: number) => {
    table = ofOutput(k);
    place.replaceChildren(table.element);
    const hessian = model.current.numbers.hessian;
    if (hessian) table.update(hessian);
  };
  choose(0);
  const choice = outputs > 1 ? chooser("of output", state.output_names, choose).element : null;
  const shown = {
    element: element("div", {}, choice, place),
    update: (values: ArrayLike<number>) => table.update(values),
  };
  const by = listed(state.inputs.map((leaf) => leaf.name));
  const of = listed(state.outputs.map((leaf) => leaf.name));
  const title = `${inputs === 1 ? "Second derivative" : "Hessian"} of ${of} by ${by}`;
  return part(title, told, shown, (snapshot) => snapshot.numbers.hessian);
}

/** A heading, closed forms, then the table, or why there are no numbers in it. */
function part(
  title: string,
  told: Derivative | undefined,
  table: HeatTable,
  values: (snapshot: Snapshot) => ArrayLike<number> | null,
): Part {
  const closed = (told?.closed ?? []).map(closedForm);
  const missing = element("p", { class: "jdm-note" }, words(told?.missing || "These numbers were not computed."));
  const none = element("p", { class: "jdm-note" }, "No entries.");
  return {
    element: element(
      "section",
      { class: "jdm-part", "aria-label": title },
      element("h3", { class: "jdm-title" }, title),
      ...closed,
      missing,
      none,
      table.element,
    ),
    update(snapshot) {
      const shown = values(snapshot);
      setShown(missing, shown === null);
      setShown(none, shown?.length === 0);
      setShown(table.element, shown !== null && shown.length > 0);
      if (shown !== null) table.update(shown);
    },
  };
}

function derivative(model: Model, what: string[]): Derivative | undefined {
  return model.state.derivatives.find((derivative) => what.includes(derivative.what));
}

function dtype(model: Model): string {
  return model.state.outputs[0]?.dtype ?? "float64";
}

function listed(names: string[]): string {
  return names.join(", ");
}
