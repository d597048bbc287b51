/** The ways to a derivative as bars: what each takes of time, of memory and of operations, beside the others. */

import { scaleLinear } from "d3-scale";
import { element, svg } from "../dom";
import { duration, memory, operations } from "../numbers";
import type { Strategy } from "../wire";

type Measure = "seconds" | "temp_bytes" | "flops";

const MEASURES: readonly [string, Measure, (value: number) => string][] = [
  ["time", "seconds", duration],
  ["FLOPs", "flops", operations],
  ["temporary memory", "temp_bytes", memory],
];
/** The drawing's own width; it is stretched to the column's, its text is not drawn in it. */
const LENGTH = 100;

/** One group of bars for each measure in which at least two ways have a figure. */
export function bars(ways: readonly Strategy[], recommended: string): HTMLElement[] {
  return MEASURES.flatMap(([title, measure, write]) => {
    const known = ways.flatMap((way) => {
      const value = way[measure];
      return value === null ? [] : [{ mode: way.mode, value }];
    });
    const largest = Math.max(...known.map((way) => way.value));
    if (known.length < 2 || largest <= 0) return [];
    const length = scaleLinear([0, largest], [0, LENGTH]);
    const rows = known.map(({ mode, value }) =>
      element(
        "div",
        { class: "jdm-bar-row" },
        element("span", { class: "jdm-bar-name" }, mode === recommended ? `★ ${mode}` : mode),
        svg(
          "svg",
          { class: "jdm-bar", viewBox: `0 0 ${LENGTH} 10`, preserveAspectRatio: "none", "aria-hidden": "true" },
          svg("rect", { class: "jdm-bar-whole", width: LENGTH, height: 10 }),
          svg("rect", {
            class: "jdm-bar-part",
            "data-jdm-mode": ["forward", "reverse"].includes(mode) ? mode : "structure",
            width: Math.max(0.6, length(value)),
            height: 10,
          }),
        ),
        element("span", { class: "jdm-bar-figure" }, write(value)),
      ),
    );
    return [
      element("div", { class: "jdm-bars", role: "group", "aria-label": title }, element("h4", {}, title), ...rows),
    ];
  });
}
