/** What the status line says about where the numbers come from. */

import { type Disagreement, placeOf } from "./agreement";
import type { Standing } from "./host";
import { derivativeName } from "./names";
import { number } from "./numbers";
import type { PanelState } from "./wire";

/** What there is to say besides the standing itself, "" where that is all. `detail`: the kernel's message, or the choice
 * that is another one. */
export function standingWords(standing: Standing, state: PanelState, hasTape: boolean, detail = ""): string {
  switch (standing) {
    case "report":
      return state.derivatives.some(({ values }) => values !== null) ? "" : "The report's numbers could not be read.";
    case "waiting":
    case "differs":
      return detail;
    case "confirmed":
      if (detail) return elsewhere(state.name, detail);
      return hasTape ? "JAX's numbers, equal to those computed in this page." : "Computed by JAX at this point.";
    case "alone":
      return `Computed in this page, from the program that JAX traced. ${detail}`.trim();
    case "failed":
      return `${detail} Shown are the last good numbers.`;
    case "elsewhere":
      return `${elsewhere(state.name, detail)} No kernel answers, so the last good numbers are shown.`;
    case "unanswered":
      return `${detail} Shown are the last good numbers.`.trim();
  }
}

/** What "alone" adds where some of the derivatives do not exist. */
export const AT_TIE = "At a kink or a jump: the numbers shown follow a convention.";

/** Of the entries that could not be compared, the first by name. */
export function conventionWords([first, ...others]: Disagreement[], state: PanelState): string {
  if (!first) return "";
  const name = entryName(first, state);
  const where = "at a kink or a jump, where no derivative exists";
  if (others.length === 0) return `${name} stands ${where}: JAX's number is a convention.`;
  const more = others.length === 1 ? "another entry" : `${others.length} other entries`;
  return `${name} and ${more} stand ${where}: JAX's numbers are a convention.`;
}

function elsewhere(name: string, choice: string): string {
  return `Here ${name} takes another path than at the report's point (${choice}), so this page cannot compute it.`;
}

export function differenceWords(found: Disagreement, state: PanelState): string {
  return `JAX and this page differ: ${entryName(found, state)} is ${number(found.kernel)} by JAX, ${number(found.tape)} by the program that JAX traced. Shown are JAX's numbers.`;
}

function entryName(entry: Disagreement, state: PanelState): string {
  const { output, inputs } = placeOf(entry, state.input_names.length);
  return derivativeName(
    state.output_names[output] ?? state.name,
    inputs.map((i) => state.input_names[i] ?? String(i)),
  );
}
