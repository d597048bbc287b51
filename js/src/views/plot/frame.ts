/** A pair of axes in SVG, as wide as the column: scales, ticks, and a clipped place to draw in.
 *
 * Everything is laid out in real pixels, so that letters stay as large in a narrow column as in a wide one.
 */

import { type ScaleLinear, scaleLinear } from "d3-scale";
import { element, setAttribute, setText, svg, uniqueId } from "../../dom";
import { brief } from "../../numbers";

export type Interval = readonly [number, number];

export interface Frame {
  element: HTMLElement;
  svg: SVGSVGElement;
  /** Fills the inside and takes the pointer, behind everything that is drawn. */
  plane: SVGRectElement;
  /** A picture to assistive technology, clipped to the inside; not touched by the pointer. */
  drawing: SVGGElement;
  /** For handles, in front. */
  front: SVGGElement;
  x: ScaleLinear<number, number>;
  y: ScaleLinear<number, number>;
  width: number;
  height: number;
  setDomain(x: Interval, y: Interval): void;
  describe(title: string, description: string): void;
  /** Where an event is, in the drawing's pixels. */
  pixel(event: PointerEvent): [number, number];
}

export interface FrameOptions {
  /** Of the axis across and of the one up; they may change with the domain. */
  names(): readonly [string, string];
  /** Height over width. */
  aspect: number;
  highest?: number;
  widest?: number;
  /** Called when the size has changed: the scales have, so draw again. */
  resized(): void;
}

const MARGIN = { left: 56, right: 14, top: 22, bottom: 42 };
/** Before the page has laid anything out. */
const FIRST_WIDTH = 560;

export function frame(options: FrameOptions): Frame {
  const clip = uniqueId("clip");
  const title = svg("title", { id: uniqueId("title") });
  const description = svg("desc", { id: uniqueId("desc") });
  const clipping = svg("rect");
  const plane = svg("rect", { class: "jdm-plane" });
  const axes = svg("g", { class: "jdm-axes" });
  const drawing = svg("g", { "clip-path": `url(#${clip})` });
  const picture = svg(
    "g",
    { class: "jdm-picture", role: "img", "aria-labelledby": title.id, "aria-describedby": description.id },
    title,
    description,
    axes,
    drawing,
  );
  const front = svg("g");
  const root = svg("svg", { class: "jdm-plot" }, svg("clipPath", { id: clip }, clipping), plane, picture, front);
  const place = element("div", { class: "jdm-plot-place" }, root);
  const made: Frame = {
    element: place,
    svg: root,
    plane,
    drawing,
    front,
    x: scaleLinear(),
    y: scaleLinear(),
    width: 0,
    height: 0,
    setDomain(x, y) {
      made.x.domain(x);
      made.y.domain(y);
      drawAxes(axes, made, options);
    },
    describe(name, words) {
      setText(title, name);
      setText(description, words);
    },
    pixel(event) {
      const box = root.getBoundingClientRect();
      const zoom = box.width === 0 ? 1 : made.width / box.width;
      return [(event.clientX - box.left) * zoom, (event.clientY - box.top) * zoom];
    },
  };
  const resize = (available: number) => {
    const width = Math.round(Math.min(available, options.widest ?? 1000));
    if (width === made.width) return;
    made.width = width;
    made.height = Math.round(Math.min(Math.max(width * options.aspect, 240), options.highest ?? 520));
    setAttribute(root, "width", width);
    setAttribute(root, "height", made.height);
    setAttribute(root, "viewBox", `0 0 ${width} ${made.height}`);
    const inside = { x: MARGIN.left, y: MARGIN.top, width: innerWidth(made), height: innerHeight(made) };
    for (const [name, value] of Object.entries(inside)) {
      setAttribute(clipping, name, value);
      setAttribute(plane, name, value);
    }
    made.x.range([MARGIN.left, MARGIN.left + inside.width]);
    made.y.range([MARGIN.top + inside.height, MARGIN.top]);
    drawAxes(axes, made, options);
  };
  resize(FIRST_WIDTH);
  whenResized(place, (width) => {
    resize(width);
    options.resized();
  });
  return made;
}

/** Tells every width but 0, which elements have for a moment while a theme is switched, and while they are hidden. */
export function whenResized(place: Element, resized: (width: number) => void): void {
  new ResizeObserver(([entry]) => {
    const width = entry?.contentRect.width ?? 0;
    if (width > 0) resized(width);
  }).observe(place);
}

export function innerWidth(of: Frame): number {
  return Math.max(40, of.width - MARGIN.left - MARGIN.right);
}

export function innerHeight(of: Frame): number {
  return Math.max(40, of.height - MARGIN.top - MARGIN.bottom);
}

function drawAxes(axes: SVGGElement, of: Frame, { names }: FrameOptions): void {
  const [xName, yName] = names();
  const [left, right] = of.x.range() as [number, number];
  const [bottom, top] = of.y.range() as [number, number];
  const parts: SVGElement[] = [];
  const line = (x1: number, y1: number, x2: number, y2: number, kind: string) =>
    parts.push(svg("line", { x1, y1, x2, y2, class: kind }));
  const text = (x: number, y: number, words: string, anchor: string, kind = "jdm-tick") =>
    parts.push(svg("text", { x, y, "text-anchor": anchor, class: kind }, words));
  for (const tick of of.x.ticks(Math.max(3, (right - left) / 80))) {
    const x = of.x(tick);
    line(x, bottom, x, top, tick === 0 ? "jdm-zero" : "jdm-grid");
    text(x, bottom + 16, brief(tick), "middle");
  }
  for (const tick of of.y.ticks(Math.max(3, (bottom - top) / 50))) {
    const y = of.y(tick);
    line(left, y, right, y, tick === 0 ? "jdm-zero" : "jdm-grid");
    text(left - 6, y + 4, brief(tick), "end");
  }
  text((left + right) / 2, bottom + 34, xName, "middle", "jdm-axis-name");
  text(left - 6, top - 8, yName, "start", "jdm-axis-name");
  axes.replaceChildren(...parts);
}
