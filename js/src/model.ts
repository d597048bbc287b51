/** The panel's state: where the reader is, the function's numbers there, and whether JAX stands behind them.
 *
 * The tape answers within the frame, the kernel a little later. Where both have a number, they are compared and the
 * kernel's is shown. */

import { ARRAYS, type Arrays, type Comparison, compare, placeOf } from "./agreement";
import { precision, roundPoint } from "./dtypes";
import type { Model, Numbers, Snapshot, Standing } from "./host";
import type { Answer, Kernel } from "./kernel";
import { fromWire } from "./numbers";
import { reportPoint } from "./place";
import { rerun } from "./rounding";
import { AT_TIE, conventionWords, differenceWords, standingWords } from "./standing";
import { type Evaluation, TapeRunner } from "./tape";
import type { PanelState } from "./wire";

/** Once a frame where there are frames, so that many moves between two of them are drawn once. */
function atNextFrame(draw: () => void): void {
  if (typeof requestAnimationFrame === "function") requestAnimationFrame(draw);
  else draw();
}

export function createModel(state: PanelState, kernel: Kernel | null, schedule = atNextFrame): Model {
  const n = state.input_names.length;
  const m = state.output_names.length;
  const rounding = precision([...state.inputs, ...state.outputs]);
  const { runner, missing } = readTape(state, n, rounding.eps);
  const report = reportNumbers(state, m);
  const order = report.hessian ? 2 : report.jacobian ? 1 : 0;
  const listeners = new Set<(snapshot: Snapshot) => void>();

  let here = report.point;
  /** What the tape and the kernel say about `here`. */
  let byTape: Evaluation | null = null;
  let byKernel: Exclude<Answer, { kind: "progress" }> | null = null;
  let progress = "";
  /** The kernel has not answered the last question that it was given time for. */
  let silent = false;
  /** The last numbers that JAX stands behind, or that nobody was there to confirm. */
  let good = report;
  let current: Snapshot = snapshot("report", report);
  /** `current` is of an earlier point or answer. */
  let stale = false;
  let asked = true;
  let scheduled = false;

  kernel?.listen((answer) => {
    if (answer.kind === "progress") progress = answer.message;
    else {
      progress = "";
      silent = answer.kind === "lost";
      if (answer.point === here) byKernel = answer;
      // Of a point passed on the way: shown only where no tape has better ones.
      else if (answer.kind === "numbers" && !runner && here !== report.point)
        good = merged(answer.arrays, null, answer.point);
      else return;
    }
    if (here === report.point) return;
    change();
    // At once, so that good numbers are remembered even if the next move comes before the next frame.
    settle();
  });

  function snapshot(standing: Standing, numbers: Numbers, detail?: string): Snapshot {
    return { point: here, numbers, standing, words: standingWords(standing, state, runner !== null, detail) };
  }

  function change(): void {
    stale = true;
    if (scheduled) return;
    scheduled = true;
    schedule(() => {
      scheduled = false;
      settle();
      for (const listener of [...listeners]) listener(current);
    });
  }

  /** Evaluates and asks what has not been, once for a point however often it moved before. */
  function settle(): void {
    if (!stale) return;
    stale = false;
    if (here === report.point) {
      current = snapshot("report", report);
      return;
    }
    if (runner && !byTape) byTape = runner.evaluate(here, order);
    if (kernel && !asked) {
      asked = true;
      kernel.ask(here);
    }
    current = judge();
  }

  function judge(): Snapshot {
    const tape = byTape?.numbers ?? null;
    const choice = byTape?.elsewhere ?? undefined;
    if (byKernel?.kind === "failed")
      return snapshot("failed", good, `${state.name} raised here: ${sentence(byKernel.message)}`);
    if (byKernel?.kind === "numbers") {
      good = merged(byKernel.arrays, tape, here);
      if (!tape) return snapshot("confirmed", good, choice);
      const { real, conventions } = compared(byKernel.arrays, tape);
      if (real) return snapshot("differs", good, differenceWords(real, state));
      if (conventions.length === 0) return snapshot("confirmed", good);
      return { ...snapshot("confirmed", good), words: conventionWords(conventions, state) };
    }
    if (kernel && !byKernel && !(silent && runner)) return snapshot("waiting", tape ?? good, progress);
    if (choice !== undefined) return snapshot("elsewhere", good, choice);
    if (!tape)
      return snapshot("unanswered", good, missing && `This page cannot compute ${state.name}: ${sentence(missing)}`);
    good = tape;
    return snapshot("alone", tape, order > 0 && runner?.findTies(here) ? AT_TIE : "");
  }

  function compared(arrays: Arrays, tape: Numbers): Comparison {
    let ties: Uint8Array | null | undefined;
    return compare(arrays, tape, {
      ...rounding,
      reruns: () => rerun(state.tape!, n, tape.point, order),
      isConvention(entry) {
        if (ties === undefined) ties = runner!.findTies(tape.point);
        const { output, inputs } = placeOf(entry, n);
        return inputs.some((i) => ties?.[output * n + i] === 1);
      },
    });
  }

  function merged(arrays: Arrays, tape: Numbers | null, point: Float64Array): Numbers {
    const [value, jacobian, hessian] = ARRAYS.map((what) => arrays[what] ?? tape?.[what] ?? null);
    return {
      point,
      value: value ?? new Float64Array(m).fill(Number.NaN),
      jacobian: jacobian ?? null,
      hessian: hessian ?? null,
    };
  }

  return {
    state,
    inputs: n,
    outputs: m,
    get current() {
      settle();
      return current;
    },
    moveTo(point) {
      const next = roundPoint(point, state.inputs);
      if (same(next, here)) return;
      here = same(next, report.point) ? report.point : next;
      byTape = byKernel = null;
      progress = "";
      asked = here === report.point;
      if (asked) kernel?.drop();
      change();
    },
    reset() {
      this.moveTo(report.point);
    },
    evaluate(point, wanted) {
      return runner?.evaluate(point, wanted).numbers ?? null;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** A tape of a newer version may have operations that are unknown here: then there is none. */
function readTape(state: PanelState, n: number, eps: number): { runner: TapeRunner | null; missing: string } {
  if (!state.tape) return { runner: null, missing: state.tape_missing };
  try {
    return { runner: new TapeRunner(state.tape, n, Float64Array, eps), missing: "" };
  } catch (error) {
    return { runner: null, missing: error instanceof Error ? error.message : String(error) };
  }
}

function same(a: Float64Array, b: Float64Array): boolean {
  return a === b || a.every((x, i) => Object.is(x, b[i]));
}

function sentence(text: string): string {
  return /[.!?]$/.test(text.trim()) ? text.trim() : `${text.trim()}.`;
}

/** The report's own numbers; those that it lacks are null, or NaN for the value. */
function reportNumbers(state: PanelState, m: number): Numbers {
  const find = (...names: string[]) => {
    const values = state.derivatives.find(({ what }) => names.includes(what))?.values;
    return values ? Float64Array.from(values, fromWire) : null;
  };
  return {
    point: reportPoint(state),
    value: find("value") ?? new Float64Array(m).fill(Number.NaN),
    jacobian: find("gradient", "jacobian"),
    hessian: find("hessian"),
  };
}
