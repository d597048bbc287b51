/** What the status line says about where the numbers come from. */

import type { Disagreement } from "./agreement";
import type { Standing } from "./host";
import { derivativeName } from "./names";
import { number } from "./numbers";
import type { PanelState } from "./wire";

/** What there is to say besides the standing itself, "" where that is all. `detail`: the kernel's message, or the choice
 * that is another one. */
export function standingWords(standing: Standing, state: PanelState, hasTape: boolean, detail = ""): string {
  switch (standing) {
    case "report":
      return "";
    case "waiting":
    case "differs":
      return detail;
    case "confirmed":
      if (detail) return elsewhere(state.name, detail);
      return hasTape ? "JAX's numbers, equal to those computed in this page." : "";
    case "alone":
      return "Computed in this page, from the program that JAX traced.";
    case "failed":
      return `${detail} Shown are the last good numbers.`;
    case "elsewhere":
      return `${elsewhere(state.name, detail)} No kernel answers, so the last good numbers are shown.`;
    case "unanswered":
      return `${detail} Shown are the last good numbers.`.trim();
  }
}

export function conventionWords(state: PanelState): string {
  return `${state.name} has a kink or a jump here, where no derivative exists; JAX's numbers are a convention.`;
}

function elsewhere(name: string, choice: string): string {
  return `Here ${name} takes another path than at the report's point (${choice}), so this page cannot compute it.`;
}

export function differenceWords(found: Disagreement, state: PanelState): string {
  const n = state.input_names.length;
  const { what, index } = found;
  const output = what === "value" ? index : Math.floor(index / (what === "jacobian" ? n : n * n));
  const inputs = what === "value" ? [] : what === "jacobian" ? [index % n] : [Math.floor(index / n) % n, index % n];
  const entry = derivativeName(
    state.output_names[output] ?? state.name,
    inputs.map((i) => state.input_names[i] ?? String(i)),
  );
  return `JAX and this page differ: ${entry} is ${number(found.kernel)} by JAX, ${number(found.tape)} by the program that JAX traced. Shown are JAX's numbers.`;
}
