/** What the eigenvalues of a Hessian say, in words that a picture bears out. */

import { brief } from "./numbers";
import { isAt } from "./place";
import type { PanelState } from "./wire";

/** Of the largest eigenvalue; what is smaller is rounding of the numbers themselves. */
function roundingOf(dtype: string): number {
  return dtype === "float64" ? 1e-12 : 1e-6;
}

/** At the report's own point the report may know that the Hessian means nothing, as at a kink. */
export function bendWords(state: PanelState, point: ArrayLike<number>, eigenvalues: ArrayLike<number>): string {
  if (state.curvature?.definiteness === "undecided" && isAt(state, point)) return "not known";
  const listed = cleaned(eigenvalues, state.outputs[0]?.dtype ?? "float64");
  if (!listed.every(Number.isFinite)) return "not known";
  const up = listed.filter((value) => value > 0).length;
  const down = listed.filter((value) => value < 0).length;
  if (up === 0 && down === 0) return "flat";
  if (up === listed.length) return listed.length === 1 ? "curves up" : "curves up in every direction";
  if (down === listed.length) return listed.length === 1 ? "curves down" : "curves down in every direction";
  if (up > 0 && down > 0) return "curves up one way and down another";
  return up > 0 ? "curves up, but not in every direction" : "curves down, but not in every direction";
}

/** Of a point where the gradient is zero. */
export function stationaryKind(eigenvalues: ArrayLike<number>, dtype: string): string {
  const listed = cleaned(eigenvalues, dtype);
  if (listed.every((value) => value > 0)) return "a minimum";
  if (listed.every((value) => value < 0)) return "a maximum";
  if (listed.some((value) => value > 0) && listed.some((value) => value < 0)) return "a saddle";
  return "of a kind that the second derivative does not decide";
}

export function eigenvalueList(eigenvalues: ArrayLike<number>, dtype: string): string {
  return cleaned(eigenvalues, dtype).map(brief).join(", ");
}

function cleaned(eigenvalues: ArrayLike<number>, dtype: string): number[] {
  const listed = Array.from(eigenvalues);
  const least = roundingOf(dtype) * Math.max(...listed.map(Math.abs));
  return listed.map((value) => (Math.abs(value) <= least ? 0 : value));
}
