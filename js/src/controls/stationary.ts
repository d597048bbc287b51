/** The way to a stationary point, step by step before the reader's eyes: damped Newton on the tape. */

import { stationaryKind } from "../bend";
import { button, element, setText } from "../dom";
import type { Model } from "../host";
import { newtonPath, newtonStep, norm, type Slope, symmetricEigen } from "../linear";
import { brief, vector } from "../numbers";

const STEP_MS = 420;
/** A long way is walked faster: nobody waits longer. */
const ALL_STEPS_MS = 5000;
/** Of the gradient's size where the way began; what is left then is rounding. */
const SMALL = 1e-6;
/** Of the size of the point where the way began. */
const ROUNDING = 1e-12;
const LABEL = "To the stationary point";

export interface StationaryControl {
  button: HTMLButtonElement;
  said: HTMLElement;
  stop(): void;
}

/** Null where the question has no meaning: only a scalar function has stationary points. */
export function stationaryControl(model: Model): StationaryControl | null {
  if (model.outputs !== 1 || model.inputs === 0) return null;
  const said = element("span", { class: "jdm-said", role: "status" });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stop = () => {
    clearTimeout(timer);
    timer = undefined;
    setText(press, LABEL);
    said.setAttribute("aria-live", "polite");
  };
  const press = button(LABEL, () => {
    if (timer !== undefined) {
      stop();
      setText(said, "stopped");
    } else if (model.state.tape === null) setText(said, `not possible here: ${model.state.tape_missing}`);
    else walk();
  });

  const slopeAt = (point: ArrayLike<number>): Slope | null => {
    const numbers = model.evaluate(point, 2);
    return numbers?.jacobian && numbers.hessian ? { gradient: numbers.jacobian, hessian: numbers.hessian } : null;
  };
  const walk = () => {
    const start = model.current.point;
    const points = [...newtonPath(slopeAt, start)];
    const first = slopeAt(start);
    if (!first) return setText(said, "not possible from here: the function has no derivatives at this point");
    const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const end = points[points.length - 1] ?? start;
    const verdict = ending(
      end,
      slopeAt(end),
      { point: start, slope: first },
      model.state.outputs[0]?.dtype ?? "float64",
    );
    let expected: Float64Array | null = null;
    const take = (k: number) => {
      const point = points[k];
      if (expected !== null && model.current.point.some((value, i) => value !== expected?.[i])) {
        stop();
        return setText(said, "stopped: the point was moved");
      }
      if (!point) {
        stop();
        return setText(said, verdict);
      }
      model.moveTo(point);
      expected = model.current.point;
      setText(said, `Newton step ${k} of ${points.length - 1}`);
      timer = setTimeout(() => take(k + 1), Math.min(STEP_MS, ALL_STEPS_MS / points.length));
    };
    if (points.length < 2 || isCalm) {
      model.moveTo(points[points.length - 1] ?? start);
      return setText(said, verdict);
    }
    setText(press, "Stop");
    // The steps are to be seen; heard is how it ends.
    said.setAttribute("aria-live", "off");
    take(1);
  };
  return { button: press, said, stop };
}

interface Beginning {
  point: Float64Array;
  slope: Slope;
}

/** How the way ended, in words. */
function ending(end: Float64Array, slope: Slope | null, beginning: Beginning, dtype: string): string {
  const size = slope ? norm(slope.gradient) : Number.NaN;
  const rounding = ROUNDING * norm(beginning.point);
  const where = vector(end.map((value) => (Math.abs(value) < rounding ? 0 : Number(value.toPrecision(6)))));
  if (!slope || !isStill(slope, end, size, norm(beginning.slope.gradient))) {
    return `did not converge: Newton's method stopped at ${where}, where the gradient has length ${brief(size)}`;
  }
  // A Hessian that has vanished on the way is zero but for rounding, whatever signs that has.
  const vanished = norm(slope.hessian) <= SMALL * norm(beginning.slope.hessian);
  const { values } = symmetricEigen(slope.hessian, end.length);
  const kind = stationaryKind(vanished ? values.fill(0) : values, dtype);
  return `found: ${where}, gradient of length ${brief(size)}; ${kind}`;
}

/** A small gradient alone is no sign: far out on arctan it is small, and the next step still goes as far again. */
function isStill(slope: Slope, point: Float64Array, size: number, atStart: number): boolean {
  if (size === 0) return true;
  const step = newtonStep(slope);
  return size <= SMALL * Math.max(1, atStart) && step !== null && norm(step) <= SMALL * (1 + norm(point));
}
