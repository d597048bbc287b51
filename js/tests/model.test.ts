/** What the reader is shown while moving: the tape's numbers at once, JAX's word on them afterwards. */

import { expect, test } from "vitest";
import type { Snapshot } from "../src/host";
import type { Answer, Kernel } from "../src/kernel";
import { createModel } from "../src/model";
import type { PanelState } from "../src/wire";
import { cubic, cubicState, cubicTape } from "./states";

/** A model whose frames and kernel the test drives. */
function open(state: PanelState = cubicState(), alive = true) {
  const asked: Float64Array[] = [];
  let tell: (answer: Answer) => void = () => {};
  const kernel: Kernel = {
    ask: (point) => asked.push(point),
    drop: () => {},
    listen: (listener) => {
      tell = listener;
    },
    close: () => {},
  };
  const frames: (() => void)[] = [];
  const model = createModel(state, alive ? kernel : null, (draw) => frames.push(draw));
  const seen: Snapshot[] = [];
  model.subscribe((snapshot) => seen.push(snapshot));
  return {
    model,
    asked,
    seen,
    frame: () => {
      for (const draw of frames.splice(0)) draw();
      return seen.at(-1)!;
    },
    tell: (answer: Answer) => tell(answer),
    numbers(point: Float64Array, arrays: Extract<Answer, { kind: "numbers" }>["arrays"]) {
      tell({ kind: "numbers", point, arrays, compilations: 1 });
    },
  };
}

const to = (...point: number[]) => Float64Array.from(point);

test("at first the report's own numbers stand, and nothing is asked", () => {
  const { model, asked, seen } = open();
  expect(model.current).toMatchObject({ standing: "report", point: to(1, 2), numbers: cubic(1, 2) });
  expect([asked, seen]).toEqual([[], []]);
  expect([model.inputs, model.outputs]).toEqual([2, 1]);
});

test("many moves between two frames are drawn once, by the tape, and asked once", () => {
  const { model, asked, seen, frame } = open();
  for (const x of [3, 4, 5]) model.moveTo(to(x, 1));
  expect(seen).toHaveLength(0);
  expect(frame()).toMatchObject({ standing: "waiting", point: to(5, 1), numbers: { point: to(5, 1), ...cubic(5, 1) } });
  expect(seen).toHaveLength(1);
  expect(asked).toEqual([to(5, 1)]);
});

test("the current snapshot is right before the frame comes", () => {
  const { model } = open();
  model.moveTo(to(0, 1));
  expect(model.current.numbers.value).toEqual(to(1));
});

test("where the kernel agrees its numbers are shown", () => {
  const { model, asked, frame, numbers } = open();
  model.moveTo(to(3, 1));
  frame();
  const rounded = { ...cubic(3, 1), value: to(10.000000001) };
  numbers(asked[0]!, rounded);
  expect(frame()).toMatchObject({ standing: "confirmed", numbers: { point: to(3, 1), ...rounded } });
});

test("where it does not, that is said of the worst entry, by name", () => {
  const { model, asked, frame, numbers } = open();
  model.moveTo(to(3, 1));
  frame();
  numbers(asked[0]!, { ...cubic(3, 1), hessian: to(2, 6, 7, 6) });
  const { standing, words, numbers: shown } = frame();
  expect(standing).toBe("differs");
  expect(words).toContain("∂²f/∂x[1]∂x[0] is 7 by JAX, 6 by");
  expect(shown.hessian).toEqual(to(2, 6, 7, 6));
});

test("at a kink another convention than the tape's is no difference, but another value is", () => {
  const tape: PanelState["tape"] = {
    nodes: [
      ["input", 0],
      ["const", 0],
      ["max", 0, 1],
    ],
    outputs: [2],
    guards: [],
  };
  const { model, asked, frame, numbers } = open(cubicState({ tape }));
  model.moveTo(to(0, 1));
  frame();
  numbers(asked[0]!, { value: to(0), jacobian: to(0, 0) });
  expect(frame()).toMatchObject({ standing: "confirmed", numbers: { jacobian: to(0, 0) } });
  expect(model.current.words).toBe(
    "∂f/∂x[0] stands at a kink or a jump, where no derivative exists: JAX's number is a convention.",
  );
  model.moveTo(to(0, 2));
  frame();
  numbers(asked[1]!, { value: to(1), jacobian: to(0, 0) });
  expect(frame().standing).toBe("differs");
  model.moveTo(to(2, 2));
  frame();
  numbers(asked[2]!, { value: to(2), jacobian: to(0, 0) });
  expect(frame().standing).toBe("differs");
});

test("a kink in one input excuses no other one", () => {
  // max(x[0], 0) + 3 x[1]
  const tape: PanelState["tape"] = {
    nodes: [
      ["input", 0],
      ["input", 1],
      ["const", 0],
      ["max", 0, 2],
      ["const", 3],
      ["mul", 4, 1],
      ["add", 3, 5],
    ],
    outputs: [6],
    guards: [],
  };
  const { model, asked, frame, numbers } = open(cubicState({ tape }));
  model.moveTo(to(0, 1));
  frame();
  numbers(asked[0]!, { value: to(3), jacobian: to(0, 4) });
  expect(frame().standing).toBe("differs");
  expect(model.current.words).toContain("∂f/∂x[1] is 4 by JAX, 3 by");
  model.moveTo(to(0, 2));
  frame();
  numbers(asked[1]!, { value: to(6), jacobian: to(0, 3), hessian: to(1, 1, 1, 0) });
  expect(frame()).toMatchObject({ standing: "confirmed" });
  expect(model.current.words).toContain("∂f/∂x[0] and 3 other entries stand at a kink");
  model.moveTo(to(0, 3));
  frame();
  numbers(asked[2]!, { value: to(9), jacobian: to(0.5, 3), hessian: to(0, 0, 0, 1) });
  expect(frame().standing).toBe("differs");
});

test("the tape alone says that its numbers at a kink are a convention", () => {
  const tape: PanelState["tape"] = {
    nodes: [
      ["input", 0],
      ["abs", 0],
    ],
    outputs: [1],
    guards: [],
  };
  const { model, frame } = open(cubicState({ tape }), false);
  model.moveTo(to(0, 1));
  expect(frame().words).toContain(" At a kink or a jump: the numbers shown follow a convention.");
  model.moveTo(to(1, 1));
  expect(frame().words).not.toContain("kink");
});

test("NaN where the tape has a number differs; where the tape has none there is nothing to compare", () => {
  const first = open();
  first.model.moveTo(to(3, 1));
  first.frame();
  first.numbers(first.asked[0]!, { ...cubic(3, 1), jacobian: to(6, Number.NaN) });
  expect(first.frame().words).toContain("∂f/∂x[1] is NaN by JAX, 12 by");

  const tape = { ...cubicTape, nodes: [...cubicTape.nodes, ["sqrt", 0]], outputs: [7] } as PanelState["tape"];
  const root = open(cubicState({ tape }));
  root.model.moveTo(to(0, 1));
  root.frame();
  root.numbers(root.asked[0]!, { value: to(0), jacobian: to(Number.POSITIVE_INFINITY, Number.NaN) });
  expect(root.frame().standing).toBe("confirmed");
});

test("float32: points are what the kernel evaluates, and its rounding is no difference", () => {
  const float32 = cubicState({ inputs: [{ name: "x", shape: [2], dtype: "float32" }] });
  const { model, asked, frame, numbers } = open(float32);
  model.moveTo(to(0.1, 0.7));
  frame();
  const [x, y] = [Math.fround(0.1), Math.fround(0.7)];
  expect(asked).toEqual([to(x, y)]);
  numbers(asked[0]!, { ...cubic(x, y), value: to(cubic(x, y).value[0]! * (1 + 1e-6)) });
  expect(frame().standing).toBe("confirmed");
});

test("digits that every float32 computation loses are no difference", () => {
  // (1 + x) - 1, whose digits are gone for a small x
  const tape: PanelState["tape"] = {
    nodes: [
      ["input", 0],
      ["const", 1],
      ["add", 0, 1],
      ["sub", 2, 1],
    ],
    outputs: [3],
    guards: [],
  };
  const { model, asked, frame, numbers } = open(
    cubicState({ tape, inputs: [{ name: "x", shape: [2], dtype: "float32" }] }),
  );
  model.moveTo(to(1e-5, 0));
  frame();
  numbers(asked[0]!, { value: to(Math.fround(1 + Math.fround(1e-5)) - 1) });
  expect(frame().standing).toBe("confirmed");
  model.moveTo(to(1.5e-5, 0));
  frame();
  numbers(asked[1]!, { value: to(-1.5e-5) });
  expect(frame().standing).toBe("differs");
});

test("an error keeps the last good numbers", () => {
  const { model, asked, frame, numbers, tell } = open();
  model.moveTo(to(3, 1));
  frame();
  numbers(asked[0]!, cubic(3, 1));
  model.moveTo(to(4, 1));
  frame();
  tell({ kind: "failed", point: asked[1]!, message: "ValueError: too large" });
  const failed = frame();
  expect(failed).toMatchObject({ standing: "failed", point: to(4, 1), numbers: { point: to(3, 1) } });
  expect(failed.words).toContain("f raised here: ValueError: too large. ");
});

test("an answer about a point that was left is not taken for one about this", () => {
  const { model, asked, frame, numbers } = open();
  model.moveTo(to(3, 1));
  frame();
  model.moveTo(to(4, 1));
  frame();
  numbers(asked[0]!, { value: to(-1) });
  expect(model.current).toMatchObject({ standing: "waiting", numbers: cubic(4, 1) });
});

test("a kernel that is silent leaves the tape alone, until it answers", () => {
  const { model, asked, frame, numbers, tell } = open();
  model.moveTo(to(3, 1));
  frame();
  tell({ kind: "progress", message: "JAX compiles f." });
  expect(frame()).toMatchObject({ standing: "waiting", words: "JAX compiles f." });
  tell({ kind: "lost", point: asked[0]! });
  expect(frame()).toMatchObject({ standing: "alone", numbers: cubic(3, 1) });
  model.moveTo(to(4, 1));
  expect(frame().standing).toBe("alone");
  numbers(asked[1]!, cubic(4, 1));
  expect(frame().standing).toBe("confirmed");
});

test("without a kernel the tape is alone from the first move", () => {
  const { model, frame } = open(cubicState(), false);
  model.moveTo(to(3, 1));
  expect(frame()).toMatchObject({ standing: "alone", numbers: cubic(3, 1) });
});

test("without a tape numbers follow as the kernel sends them", () => {
  const { model, asked, frame, numbers, tell } = open(cubicState({ tape: null, tape_missing: "f has a loop" }));
  expect(model.evaluate([1, 2], 2)).toBeNull();
  model.moveTo(to(3, 1));
  expect(frame()).toMatchObject({ standing: "waiting", point: to(3, 1), numbers: { point: to(1, 2) } });
  model.moveTo(to(4, 1));
  frame();
  numbers(asked[0]!, cubic(3, 1));
  expect(frame()).toMatchObject({ standing: "waiting", point: to(4, 1), numbers: { point: to(3, 1), ...cubic(3, 1) } });
  numbers(asked[1]!, cubic(4, 1));
  expect(frame()).toMatchObject({
    standing: "confirmed",
    words: "Computed by JAX at this point.",
    numbers: { point: to(4, 1), ...cubic(4, 1) },
  });
  model.moveTo(to(5, 1));
  frame();
  tell({ kind: "lost", point: asked[2]! });
  expect(frame()).toMatchObject({
    standing: "unanswered",
    words: "This page cannot compute f: f has a loop. Shown are the last good numbers.",
    numbers: { point: to(4, 1) },
  });
});

test("a tape of unknown operations is none", () => {
  const unknown = cubicState({ tape: { nodes: [["bessel", 0]], outputs: [0], guards: [] } });
  const { model, frame } = open(unknown, false);
  model.moveTo(to(3, 1));
  expect(frame().words).toContain("bessel");
});

test("past a choice that turns out otherwise only the kernel knows", () => {
  const tape: PanelState["tape"] = {
    nodes: [...cubicTape.nodes, ["const", 0], ["gt", 0, 7]],
    outputs: [6],
    guards: [[8, 1, "`x[0] > 0`, line 3"]],
  };
  const { model, asked, frame, numbers, tell } = open(cubicState({ tape }));
  model.moveTo(to(-3, 1));
  expect(frame()).toMatchObject({ standing: "waiting", numbers: { point: to(1, 2) } });
  expect(model.evaluate([-3, 1], 0)).toBeNull();
  numbers(asked[0]!, { value: to(7) });
  const answered = frame();
  expect(answered).toMatchObject({
    standing: "confirmed",
    numbers: { point: to(-3, 1), value: to(7), jacobian: null },
  });
  expect(answered.words).toContain("`x[0] > 0`, line 3");
  model.moveTo(to(-4, 1));
  frame();
  tell({ kind: "lost", point: asked[1]! });
  expect(frame()).toMatchObject({ standing: "elsewhere", numbers: { point: to(-3, 1) } });
});

test("reset, or moving back, is the report again, and late answers change nothing", () => {
  const { model, asked, frame, numbers } = open();
  model.moveTo(to(3, 1));
  frame();
  model.reset();
  expect(frame()).toMatchObject({ standing: "report", point: to(1, 2), numbers: cubic(1, 2) });
  numbers(asked[0]!, { value: to(-1) });
  model.moveTo(to(1, 2));
  expect(model.current).toMatchObject({ standing: "report", numbers: cubic(1, 2) });
  expect(asked).toHaveLength(1);
});

test("derivatives that the report lacks are not computed while moving, but can be asked for", () => {
  const state = cubicState();
  const { model, frame } = open({ ...state, derivatives: state.derivatives.slice(0, 2) }, false);
  model.moveTo(to(3, 1));
  expect(frame().numbers).toMatchObject({ jacobian: cubic(3, 1).jacobian, hessian: null });
  expect(model.evaluate([3, 1], 2)?.hessian).toEqual(cubic(3, 1).hessian);
});

test("who has left is told nothing", () => {
  const { model, frame, seen } = open();
  const heard: Snapshot[] = [];
  const leave = model.subscribe((snapshot) => heard.push(snapshot));
  leave();
  model.moveTo(to(3, 1));
  frame();
  expect([heard.length, seen.length]).toEqual([0, 1]);
});
