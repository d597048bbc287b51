/** What the derivatives say at a point of the plane: the gradient, the Hessian's axes, the Newton step. */

import { bendWords, eigenvalueList } from "../../bend";
import { setAttribute, setShown, setText, svg } from "../../dom";
import { newtonStep, norm, symmetricEigen } from "../../linear";
import { brief, rough } from "../../numbers";
import type { PanelState } from "../../wire";
import { type Frame, innerHeight } from "./frame";
import { type Key, key } from "./key";
import type { Local } from "./local";

type Kind = "gradient" | "hessian" | "newton";

export interface Overlays {
  key: HTMLElement;
  /** `steepest`: the gradient's length that is drawn as long as an arrow may be. */
  draw(local: Local, steepest: number, name: string): void;
  /** What is drawn, in words. */
  words(): string;
}

export function overlays(frame: Frame, state: PanelState): Overlays {
  const dtype = state.outputs[0]?.dtype ?? "float64";
  const gradient = svg("path", { class: "jdm-gradient" });
  const gradientHead = svg("path", { class: "jdm-gradient-head" });
  const axes = [0, 1].map(() => ({
    line: svg("path", { class: "jdm-hessian" }),
    label: svg("text", { class: "jdm-plot-label jdm-hessian-ink", "text-anchor": "middle" }),
  }));
  const newton = svg("path", { class: "jdm-newton" });
  const newtonHead = svg("path", { class: "jdm-newton-head" });
  const groups: Record<Kind, SVGGElement> = {
    hessian: svg("g", {}, ...axes.flatMap(({ line, label }) => [line, label])),
    newton: svg("g", {}, newton, newtonHead),
    gradient: svg("g", {}, gradient, gradientHead),
  };
  frame.drawing.append(...Object.values(groups));
  const legend: Key<Kind> = key(["gradient", "hessian", "newton"], (kind, shown) => setShown(groups[kind], shown));
  let said = "";

  const drawGradient = (local: Local, steepest: number, name: string) => {
    const [g0 = Number.NaN, g1 = Number.NaN] = local.gradient;
    const size = norm(local.gradient);
    const longest = 0.34 * innerHeight(frame);
    const length = size === 0 ? 0 : Math.min(longest * 1.3, Math.max(14, (longest * size) / steepest));
    arrow(gradient, gradientHead, at(local.point), direction(g0, g1), length);
    legend.set(
      "gradient",
      `∇${name} = (${brief(g0)}, ${brief(g1)})`,
      size === 0 ? "a stationary point" : `length ${brief(size)}, uphill`,
    );
    return `Gradient (${brief(g0)}, ${brief(g1)}), length ${brief(size)}.`;
  };
  const drawAxes = (local: Local) => {
    const { values, vectors } = symmetricEigen(local.hessian, 2);
    const largest = Math.max(...Array.from(values, Math.abs));
    const [px, py] = at(local.point);
    axes.forEach(({ line, label }, k) => {
      const value = values[k] ?? Number.NaN;
      const [dx, dy] = direction(vectors[k]?.[0] ?? Number.NaN, vectors[k]?.[1] ?? Number.NaN);
      const half = 0.24 * innerHeight(frame) * (largest > 0 ? Math.abs(value) / largest : 0);
      const drawable = [px, py, dx, dy, half].every(Number.isFinite);
      setAttribute(
        line,
        "d",
        drawable ? `M${px - dx * half} ${py - dy * half}L${px + dx * half} ${py + dy * half}` : "",
      );
      // Where the function curves down the axis is dashed.
      setAttribute(line, "data-jdm-sign", value < 0 ? "-" : "+");
      // On the side away from the gradient's arrow, which points uphill.
      const side = dx * (local.gradient[0] ?? 0) - dy * (local.gradient[1] ?? 0) > 0 ? -1 : 1;
      setText(label, drawable && half > 8 ? `λ = ${rough(value)}` : "");
      if (!drawable) return;
      setAttribute(label, "x", px + side * dx * (half + 16));
      setAttribute(label, "y", py + side * dy * (half + 16) + 4);
    });
    const listed = eigenvalueList(values, dtype);
    const bend = bendWords(state, local.point, values);
    legend.set("hessian", `λ = ${listed}`, `Hessian's axes: ${bend}`);
    return `Eigenvalues of the Hessian ${listed}: ${bend}.`;
  };
  const drawNewton = (local: Local) => {
    const known = local.hessian.every(Number.isFinite) && local.gradient.every(Number.isFinite);
    const step = known && norm(local.gradient) > 0 ? newtonStep(local) : null;
    const [dx = Number.NaN, dy = Number.NaN] = step ?? [];
    const [x = Number.NaN, y = Number.NaN] = local.point;
    const [fromX, fromY] = at(local.point);
    const [toX, toY] = [frame.x(x + dx), frame.y(y + dy)];
    const length = Math.hypot(toX - fromX, toY - fromY);
    const towards: [number, number] = [(toX - fromX) / length, (toY - fromY) / length];
    arrow(newton, newtonHead, [fromX, fromY], towards, length);
    const still = norm(local.gradient) === 0;
    const words = step ? `Newton step to (${brief(x + dx)}, ${brief(y + dy)})` : "no Newton step";
    const what = step ? newtonWords(local) : still ? "the gradient is zero" : "derivatives are missing or singular";
    legend.set("newton", words, what);
    return `${words}: ${what}.`;
  };
  const at = ([x = Number.NaN, y = Number.NaN]: Float64Array): [number, number] => [frame.x(x), frame.y(y)];
  /** A direction in the plane as a unit direction on the screen, where the axes may have different scales. */
  const direction = (dx: number, dy: number): [number, number] => {
    const [x, y] = [frame.x(dx) - frame.x(0), frame.y(dy) - frame.y(0)];
    const length = Math.hypot(x, y);
    return [x / length, y / length];
  };

  return {
    key: legend.element,
    draw(local, steepest, name) {
      said = [drawGradient(local, steepest, name), drawAxes(local), drawNewton(local)].join(" ");
    },
    words: () => said,
  };
}

function arrow(line: Element, head: Element, [x, y]: [number, number], [dx, dy]: [number, number], length: number) {
  const drawable = [x, y, dx, dy, length].every(Number.isFinite) && length > 0;
  const tip = 9;
  const [ex, ey] = [x + dx * length, y + dy * length];
  const [bx, by] = [ex - dx * tip, ey - dy * tip];
  setAttribute(line, "d", drawable ? `M${x} ${y}L${bx} ${by}` : "");
  const wing = tip * 0.5;
  setAttribute(
    head,
    "d",
    drawable ? `M${ex} ${ey}L${bx - dy * wing} ${by + dx * wing}L${bx + dy * wing} ${by - dx * wing}Z` : "",
  );
}

function newtonWords(local: Local): string {
  const { values } = symmetricEigen(local.hessian, 2);
  const [least = 0, most = 0] = values;
  if (least > 0) return "to the quadratic model's minimum";
  if (most < 0) return "to the quadratic model's maximum";
  return least < 0 && most > 0 ? "to the quadratic model's saddle" : "to where the quadratic model is flat";
}
