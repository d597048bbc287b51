/** One line that tells everything about one entry of the tables: the whole formula and every digit. */

import { element, setText, uniqueId } from "../dom";
import { typeset } from "../fonts";
import { exact, spoken } from "../numbers";

export interface Entry {
  name: string;
  formula: string | null;
  value: number;
  dtype: string;
}

export interface Detail {
  element: HTMLElement;
  show(entry: Entry): void;
  /** The value of what is shown may have changed. */
  refresh(): void;
}

export function detailLine(): Detail {
  const hint = element("span", { class: "jdm-hint" }, "Point at an entry, or go to it with Tab and the arrow keys.");
  const name = element("span", { class: "jdm-mono" });
  const formula = element("span", { class: "jdm-formula" });
  const value = element("span", { class: "jdm-mono" });
  let shown: Entry | null = null;
  const refresh = () => {
    if (shown === null) return;
    const words = Number.isFinite(shown.value) ? "" : ` (${spoken(shown.value)})`;
    setText(value, ` = ${exact(shown.value, shown.dtype)}${words}`);
  };
  const line = element("p", { class: "jdm-detail", id: uniqueId("detail") }, hint, name, formula, value);
  return {
    element: line,
    refresh,
    show(entry) {
      if (entry === shown) return;
      shown = entry;
      hint.remove();
      // Now it stays in sight below a long table.
      line.classList.add("jdm-told");
      setText(name, entry.name);
      formula.replaceChildren(...(entry.formula === null ? [] : [" = ", typeset(entry.formula)]));
      refresh();
    },
  };
}
