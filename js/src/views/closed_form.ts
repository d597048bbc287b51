/** A formula on a line of its own; a long one is scrolled, also by the keyboard. */

import { element, scrollable } from "../dom";
import { typeset } from "../fonts";

/** Of LaTeX; what is shorter fits into the narrowest column. */
const LONG = 60;

export function closedForm(latex: string): HTMLElement {
  const formula = typeset(latex, true);
  const place = latex.length > LONG ? scrollable("formula", formula) : element("div", {}, formula);
  place.classList.add("jdm-closed");
  return place;
}
