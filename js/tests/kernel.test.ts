/** The queue of questions to the kernel, with a clock of the test's own. */

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Answer, type Channel, createKernel } from "../src/kernel";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A kernel that answers when the test says so, its numbers at an odd place in a larger buffer. */
function connect() {
  const sent: { seq: number; x: number }[] = [];
  let listener: Parameters<Channel["on"]>[1] | null = null;
  const channel: Channel = {
    send: (content, _, buffers) => {
      const { kind, seq } = content as { kind: string; seq: number };
      expect(kind).toBe("evaluate");
      sent.push({ seq, x: new Float64Array(buffers![0]!)[0]! });
    },
    on: (_, added) => {
      listener = added;
    },
    off: () => {
      listener = null;
    },
  };
  const answers: Answer[] = [];
  const kernel = createKernel(channel, 3000, 10000);
  kernel.listen((answer) => answers.push(answer));
  return {
    kernel,
    channel,
    answers,
    /** The numbers asked about so far. */
    asked: () => sent.map(({ x }) => x),
    heard: () => answers.map((answer) => ("point" in answer ? [answer.kind, answer.point[0]] : [answer.kind])),
    closed: () => listener === null,
    ask: (x: number) => kernel.ask(Float64Array.of(x)),
    say: (content: unknown, buffers: DataView[] = []) => listener?.(content, buffers),
    answer(x: number) {
      const { seq } = sent.find((message) => message.x === x)!;
      const bytes = new Uint8Array(16);
      bytes.set(new Uint8Array(Float64Array.of(x * x).buffer), 3);
      const view = new DataView(bytes.buffer, 3, 8);
      listener?.({ kind: "evaluated", seq, arrays: ["value"], compilations: 1 }, [view]);
    },
  };
}

test("numbers come out of the middle of a buffer", () => {
  const { ask, answer, answers } = connect();
  ask(3);
  answer(3);
  expect(answers).toEqual([
    { kind: "numbers", point: Float64Array.of(3), arrays: { value: Float64Array.of(9) }, compilations: 1 },
  ]);
});

test("two are in flight, and of those that wait the newest wins", () => {
  const { ask, answer, asked, heard } = connect();
  for (const x of [1, 2, 3, 4, 5]) ask(x);
  expect(asked()).toEqual([1, 2]);
  answer(1);
  expect(asked()).toEqual([1, 2, 5]);
  answer(2);
  answer(5);
  expect(heard()).toEqual([
    ["numbers", 1],
    ["numbers", 2],
    ["numbers", 5],
  ]);
});

test("an answer that a newer one has overtaken is dropped", () => {
  const { ask, answer, heard } = connect();
  ask(1);
  ask(2);
  answer(2);
  answer(1);
  expect(heard()).toEqual([["numbers", 2]]);
});

test("after drop, what is on its way is ignored and what waits is not sent", () => {
  const { kernel, ask, answer, asked, heard } = connect();
  for (const x of [1, 2, 3]) ask(x);
  kernel.drop();
  answer(1);
  expect(asked()).toEqual([1, 2]);
  ask(4);
  answer(4);
  expect(heard()).toEqual([["numbers", 4]]);
});

test("a lost question is given up, makes room, and its late answer still counts", () => {
  const { ask, answer, asked, heard } = connect();
  ask(0);
  answer(0);
  for (const x of [1, 2, 3]) ask(x);
  vi.advanceTimersByTime(2999);
  expect(heard()).toEqual([["numbers", 0]]);
  vi.advanceTimersByTime(1);
  expect(heard().slice(1)).toEqual([
    ["lost", 1],
    ["lost", 2],
  ]);
  expect(asked()).toEqual([0, 1, 2, 3]);
  answer(2);
  answer(1);
  answer(3);
  expect(heard().slice(3)).toEqual([
    ["numbers", 2],
    ["numbers", 3],
  ]);
});

test("the first answer may take longer, and progress gives more time", () => {
  const { ask, say, heard } = connect();
  ask(1);
  vi.advanceTimersByTime(9000);
  say({ kind: "progress", message: "compiling" });
  vi.advanceTimersByTime(9000);
  expect(heard()).toEqual([["progress"]]);
  vi.advanceTimersByTime(1000);
  expect(heard()).toEqual([["progress"], ["lost", 1]]);
});

test("what the function raised is told", () => {
  const { ask, say, answers } = connect();
  ask(1);
  say({ kind: "failed", seq: 1, message: "ValueError: no" });
  expect(answers).toEqual([{ kind: "failed", point: Float64Array.of(1), message: "ValueError: no" }]);
});

test("a closed channel is a lost kernel, and other messages are none of ours", () => {
  const { channel, ask, say, heard } = connect();
  say({ kind: "evaluated", seq: 99, arrays: [], compilations: 1 });
  say("hello");
  say(null);
  channel.send = () => {
    throw new Error("closed");
  };
  ask(1);
  ask(2);
  expect(heard()).toEqual([
    ["lost", 1],
    ["lost", 2],
  ]);
});

test("a question may be asked while an answer is heard", () => {
  const { kernel, ask, answer, asked, answers } = connect();
  kernel.listen((answer) => {
    answers.push(answer);
    if (answers.length === 1) ask(7);
  });
  ask(1);
  answer(1);
  expect(asked()).toEqual([1, 7]);
});

test("after close nothing is heard and no clock runs", () => {
  const { kernel, ask, heard, closed } = connect();
  ask(1);
  kernel.close();
  expect(closed()).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
  expect(heard()).toEqual([]);
});
