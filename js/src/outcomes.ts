/** The marks and tones of outcomes and severities, the same as in the static output. */

import { element } from "./dom";
import type { Finding, Grade, Outcome } from "./wire";

export type Tone = "good" | "neutral" | "warning" | "bad";

export const OUTCOMES: readonly Outcome[] = ["proved", "agrees", "out of reach", "differs"];

export const SIGNS: Record<Outcome, readonly [string, Tone]> = {
  proved: ["✓", "good"],
  agrees: ["≈", "good"],
  "out of reach": ["?", "warning"],
  differs: ["✗", "bad"],
};

export const GRADES: Record<Grade["outcome"], readonly [string, Tone]> = {
  right: ["✓", "good"],
  undecided: ["?", "warning"],
  wrong: ["✗", "bad"],
};

export const SEVERITIES: Record<Finding["severity"], readonly [string, Tone]> = {
  error: ["✗", "bad"],
  warning: ["⚠", "warning"],
  info: ["i", "neutral"],
};

export function outcomeBadge(outcome: Outcome): HTMLElement {
  const [mark, tone] = SIGNS[outcome];
  return element("span", { class: "jdm-badge", "data-jdm-tone": tone }, mark, " ", outcome);
}
