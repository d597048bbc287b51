/** Which part of an axis is shown. */

import { rangeAround } from "../../controls/range";
import type { Interval } from "./frame";

export function around(value: number): Interval {
  const { low, high } = rangeAround(value);
  return [low, high];
}

export function zoomed([low, high]: Interval, factor: number, centre: number): Interval {
  const half = ((high - low) / 2) * factor;
  const middle = Number.isFinite(centre) ? centre : (low + high) / 2;
  return [middle - half, middle + half];
}

/** The same interval where it holds `value` with some room, else one of the same length around it. */
export function holding(interval: Interval, value: number): Interval {
  const [low, high] = interval;
  if (!Number.isFinite(value) || (value >= low && value <= high)) return interval;
  return zoomed(interval, 1, value);
}

/** The same for an axis of which more is shown than `interval`, so that both axes have one scale. */
export function holdingShown(interval: Interval, shown: Interval, value: number): Interval {
  return holding(shown, value) === shown ? interval : zoomed(interval, 1, value);
}

/** Of the values of a curve: all of them, or, where a few would flatten the rest, as at a pole, the bulk. */
export function extent(values: ArrayLike<number>, ...wanted: number[]): Interval {
  const sorted = Float64Array.from(Array.from(values).filter(Number.isFinite)).sort();
  const kept = wanted.filter(Number.isFinite);
  if (sorted.length === 0 && kept.length === 0) return [-1, 1];
  const quantile = (q: number) => sorted[Math.round(q * (sorted.length - 1))] ?? kept[0] ?? 0;
  const [least, most] = [quantile(0), quantile(1)];
  const [lower, upper] = [quantile(0.06), quantile(0.94)];
  const isSpread = most - least > 6 * (upper - lower) && upper > lower;
  const low = Math.min(isSpread ? lower : least, ...kept);
  const high = Math.max(isSpread ? upper : most, ...kept);
  const margin = high > low ? 0.08 * (high - low) : Math.max(1e-12, Math.abs(high) * 0.1) || 1;
  return [low - margin, high + margin];
}
