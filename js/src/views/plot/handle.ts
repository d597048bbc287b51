/** The point on a plot: dragged by the pointer, moved by the arrow keys, told to those who do not see it. */

import { focusableSvg, setAttribute, svg } from "../../dom";
import type { Frame } from "./frame";

export interface Handle {
  place(x: number, y: number): void;
  /** `now`, `low` and `high` are of the first direction; `text` says all of it. */
  say(now: number, low: number, high: number, text: string): void;
}

export interface HandleOptions {
  label: string;
  /** To a place in the drawing's pixels. */
  dragged(x: number, y: number): void;
  /** By the keyboard: so many steps to the right and up. */
  nudged(right: number, up: number): void;
  /** The Home key. */
  home(): void;
  /** Whether up and down are a direction of their own; otherwise they mean right and left. */
  plane: boolean;
}

const BIG = 10;
/** In pixels; rounding to a round number stays inside. */
const EDGE = 4;

export function handle(frame: Frame, options: HandleOptions): Handle {
  const group = focusableSvg(
    "g",
    { class: "jdm-handle", role: "slider", "aria-label": options.label },
    svg("circle", { class: "jdm-handle-reach", r: 18 }),
    svg("circle", { class: "jdm-handle-ring", r: 11 }),
    svg("circle", { class: "jdm-handle-dot", r: 6.5 }),
  );
  frame.front.append(group);
  draggable(group, (event) => options.dragged(...inside(frame, event)));
  // A press beside the handle brings the point there; a finger on the plane scrolls the page instead.
  draggable(frame.plane, (event) => {
    if (event.pointerType === "touch") return;
    options.dragged(...inside(frame, event));
    group.focus({ preventScroll: true });
  });
  group.addEventListener("keydown", (event) => {
    const size = event.shiftKey ? BIG : 1;
    const sideways: Record<string, number> = { ArrowRight: 1, ArrowLeft: -1, PageUp: BIG, PageDown: -BIG };
    const upward: Record<string, number> = { ArrowUp: 1, ArrowDown: -1 };
    const right = (sideways[event.key] ?? 0) * size;
    const up = (upward[event.key] ?? 0) * size;
    if (event.key === "Home") options.home();
    else if (right === 0 && up === 0) return;
    else if (options.plane) options.nudged(right, up);
    else options.nudged(right + up, 0);
    event.preventDefault();
  });
  return {
    place(x, y) {
      const drawable = Number.isFinite(x) && Number.isFinite(y);
      group.classList.toggle("jdm-nowhere", !drawable);
      if (drawable) setAttribute(group, "transform", `translate(${x.toFixed(2)} ${y.toFixed(2)})`);
    },
    say(now, low, high, text) {
      // A slider must have numbers; where there is none, the text says so.
      const bounded = Number.isFinite(now) ? now : low;
      setAttribute(group, "aria-valuemin", Math.min(low, bounded));
      setAttribute(group, "aria-valuemax", Math.max(high, bounded));
      setAttribute(group, "aria-valuenow", bounded);
      setAttribute(group, "aria-valuetext", text);
    },
  };
}

/** The picture stands still while the point is dragged: beyond its edge there is nothing to drag to. */
function inside(frame: Frame, event: PointerEvent): [number, number] {
  const [x, y] = frame.pixel(event);
  const [left, right] = frame.x.range() as [number, number];
  const [bottom, top] = frame.y.range() as [number, number];
  const held = (value: number, low: number, high: number) => Math.min(Math.max(value, low + EDGE), high - EDGE);
  return [held(x, left, right), held(y, top, bottom)];
}

/** Calls `moved` when `target` is pressed and as long as the pointer moves, at most once a frame. */
export function draggable(target: SVGElement, moved: (event: PointerEvent) => void): void {
  let frame = 0;
  let latest: PointerEvent;
  let dragging = false;
  target.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    dragging = true;
    target.setPointerCapture?.(event.pointerId);
    moved(event);
  });
  target.addEventListener("pointermove", (event) => {
    if (!dragging) return;
    latest = event;
    if (frame === 0) {
      frame = requestAnimationFrame(() => {
        frame = 0;
        moved(latest);
      });
    }
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"] as const) {
    target.addEventListener(end, () => {
      dragging = false;
    });
  }
}
