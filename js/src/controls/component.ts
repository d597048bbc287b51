/** One component of the point: a slider and, for what a slider cannot hit, a field to type in. */

import { element, focusable, setAttribute, uniqueId } from "../dom";
import { number, parse, spoken } from "../numbers";
import { type Range, rangeAround, widened } from "./range";

export interface ComponentControl {
  element: HTMLElement;
  /** What the slider is about, where one control serves all components. */
  rename(name: string): void;
  update(value: number): void;
}

export function componentControl(name: string, dtype: string, moved: (value: number) => void): ComponentControl {
  const label = element("span", { class: "jdm-component-name", "aria-hidden": "true" }, name);
  const slider = focusable("input", { type: "range", class: "jdm-slider", "aria-label": name });
  const problem = element("span", { class: "jdm-problem", role: "alert", id: uniqueId("problem") });
  const field = focusable("input", {
    type: "text",
    inputmode: "decimal",
    autocomplete: "off",
    spellcheck: "false",
    class: "jdm-field",
    "aria-label": `${name}, as a number`,
    "aria-describedby": problem.id,
  });
  let range: Range | null = null;
  let current = Number.NaN;
  let typing = false;

  const fit = (next: Range) => {
    if (next === range) return;
    range = next;
    slider.min = String(next.low);
    slider.max = String(next.high);
    slider.step = String(next.step);
  };
  const show = (value: number) => {
    current = value;
    fit(range === null ? rangeAround(value) : widened(range, value));
    if (Number.isFinite(value) && Number(slider.value) !== value) slider.value = String(value);
    setAttribute(slider, "aria-valuetext", spoken(value));
    const text = number(value, dtype);
    if (!typing && field.value !== text) field.value = text;
  };
  const take = () => {
    const value = parse(field.value);
    field.toggleAttribute("aria-invalid", false);
    problem.textContent = value === null ? `“${field.value}” is not a number` : "";
    if (value === null) return setAttribute(field, "aria-invalid", "true");
    // The field shows rounded digits: leaving it untouched is not a move.
    if (field.value !== number(current, dtype)) moved(value);
  };

  slider.addEventListener("input", () => moved(Number(slider.value)));
  field.addEventListener("input", () => {
    typing = true;
  });
  field.addEventListener("change", () => {
    typing = false;
    take();
  });
  field.addEventListener("keydown", (event) => {
    // A host may keep Enter from ending the input, which would be the change.
    if (event.key === "Enter") {
      typing = false;
      take();
    }
    if (event.key === "Escape") {
      typing = false;
      problem.textContent = "";
      field.removeAttribute("aria-invalid");
      show(current);
    }
    const direction = event.key === "ArrowUp" ? 1 : event.key === "ArrowDown" ? -1 : 0;
    if (direction === 0 || range === null) return;
    event.preventDefault();
    typing = false;
    const start = parse(field.value) ?? current;
    moved(Number((start + direction * range.step * (event.shiftKey ? 10 : 1)).toPrecision(12)));
  });

  return {
    element: element("div", { class: "jdm-component" }, label, slider, field, problem),
    rename(next) {
      label.textContent = next;
      slider.setAttribute("aria-label", next);
      field.setAttribute("aria-label", `${next}, as a number`);
      range = null;
      typing = false;
      problem.textContent = "";
      field.removeAttribute("aria-invalid");
    },
    update: show,
  };
}
