/** How numbers are written: the digits that the dtype has, a real minus sign, and words for what is not finite.
 *
 * As in the static output (`jaxdiff_magic/base/figures.py`); `tests/numbers.json` holds both to one set of examples. */

import { round } from "./dtypes";
import type { Num } from "./wire";

/** Enough to recognise a float64, as in the static output. */
const DIGITS = 10;

export function fromWire(value: Num): number {
  if (typeof value === "number") return value;
  return value === "nan" ? Number.NaN : value === "inf" ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
}

/** The shortest decimal that is `value` in `dtype`, in at most ten significant digits. */
export function number(value: number, dtype = "float64"): string {
  const rounded = round(value, dtype);
  for (let digits = 1; dtype !== "float64" && digits < DIGITS; digits++) {
    const short = cut(rounded, digits);
    if (round(short, dtype) === rounded) return significant(short, DIGITS);
  }
  return significant(rounded, DIGITS);
}

/** In so many significant digits; half goes to the even digit, as in Python and unlike `toPrecision`. */
function cut(value: number, digits: number): number {
  const [mantissa = "", exponent] = value.toExponential(digits + 30).split("e");
  const kept = mantissa.slice(0, -31);
  const isHalf = /^50*$/.test(mantissa.slice(-31)) && /[02468]\.?$/.test(kept);
  return isHalf ? Number(`${kept}e${exponent}`) : Number(value.toPrecision(digits));
}

/** `value` where room is short: in a table of many columns, or on a plot. */
export function brief(value: number): string {
  return significant(value, 5);
}

/** On an axis, and beside a stroke on a plot. */
export function rough(value: number): string {
  return significant(value, 3);
}

/** Every digit that `value` has. */
export function exact(value: number, dtype = "float64"): string {
  return dtype === "float32" ? number(value, dtype) : significant(value, 17, String(value));
}

/** For people who hear the number. */
export function spoken(value: number): string {
  if (Number.isNaN(value)) return "not a number";
  if (!Number.isFinite(value)) return value > 0 ? "infinity" : "minus infinity";
  return significant(value, 4).replace("−", "minus ");
}

/** In at most so many significant digits; with a power of ten from a million on, and below 0.0001. */
export function significant(value: number, digits: number, text?: string): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "−inf";
  // Adding 0 turns -0, which says nothing here, into 0.
  const rounded = (text === undefined ? cut(value, digits) : value) + 0;
  const exponent = rounded === 0 ? 0 : Number(rounded.toExponential().split("e")[1]);
  const written =
    exponent < -4 || exponent >= Math.min(Math.max(digits, 6), 16)
      ? rounded.toExponential().replace("e+", "e")
      : String(rounded);
  return written.replaceAll("-", "−");
}

/** `[1, 2]`; above `limit` entries the first ones and how many there are. */
export function vector(values: ArrayLike<number>, dtype = "float64", limit = 6): string {
  const shown = Array.from(values)
    .slice(0, limit)
    .map((value) => number(value, dtype));
  if (values.length === 1) return shown[0] ?? "";
  return values.length > limit ? `[${shown.join(", ")}, … ${values.length} entries]` : `[${shown.join(", ")}]`;
}

/** What a reader types: a decimal with either minus sign, or one of the words; null where it is no number. */
export function parse(text: string): number | null {
  const plain = text.trim().toLowerCase().replaceAll("−", "-").replace(",", ".");
  if (plain === "") return null;
  if (plain === "nan") return Number.NaN;
  const infinite = /^([+-]?)(inf|infinity|∞)$/.exec(plain);
  if (infinite) return infinite[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const value = Number(plain);
  return Number.isNaN(value) ? null : value;
}

/** A time in the unit that suits it: `85 µs`, `1.2 ms`, `3.4 s`. */
export function duration(seconds: number): string {
  for (const [unit, size] of [
    ["s", 1],
    ["ms", 1e-3],
    ["µs", 1e-6],
  ] as const) {
    if (seconds >= size) return `${threeDigits(seconds / size)} ${unit}`;
  }
  return `${threeDigits(seconds / 1e-9)} ns`;
}

/** A number of bytes in the unit that suits it: `400 B`, `4 kB`, `1.2 GB`. */
export function memory(bytes: number): string {
  for (const [unit, size] of [
    ["TB", 1e12],
    ["GB", 1e9],
    ["MB", 1e6],
    ["kB", 1e3],
  ] as const) {
    if (bytes >= size) return `${threeDigits(bytes / size)} ${unit}`;
  }
  return `${bytes} B`;
}

/** A number of operations: `1,234`, or from a million on `6.98·10⁹`. */
export function operations(count: number): string {
  if (count < 1e6) return count.toLocaleString("en-US");
  const [mantissa, exponent] = cut(count, 3).toExponential().split("e");
  return `${Number(mantissa)}·10${superscript(Number(exponent))}`;
}

export function superscript(value: number): string {
  return Array.from(String(value), (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)] ?? "").join("");
}

function threeDigits(value: number): string {
  return String(cut(value, value >= 99.95 ? Math.max(3, Math.floor(Math.log10(value)) + 1) : 3));
}
