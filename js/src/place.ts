/** Where a point is: what it is called, and whether it is the report's own. */

import { size } from "./dtypes";
import { fromWire, vector } from "./numbers";
import type { PanelState } from "./wire";

export function reportPoint(state: PanelState): Float64Array {
  return Float64Array.from(state.point, fromWire);
}

export function isAt(state: PanelState, point: ArrayLike<number>): boolean {
  return state.point.every((value, k) => Object.is(fromWire(value), point[k]) || fromWire(value) === point[k]);
}

/** `x = [1, 2], b = 3`, leaf by leaf. */
export function placeName(state: PanelState, point: Float64Array): string {
  let start = 0;
  const parts = state.inputs.map((leaf) => {
    const length = size(leaf);
    const entries = point.subarray(start, start + length);
    start += length;
    return `${leaf.name} = ${leaf.shape.length > 0 && length === 1 ? `[${vector(entries, leaf.dtype)}]` : vector(entries, leaf.dtype)}`;
  });
  return parts.join(", ");
}
