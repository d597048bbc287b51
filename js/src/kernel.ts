/** Asks the kernel for a function's numbers: at most two questions on their way, of those waiting the newest wins.
 *
 * An answer that an answer to a newer question has overtaken is dropped; a question without an answer is given up after a
 * while, so that a lost message blocks nothing. */

import type { Evaluate, Evaluated, FromKernel } from "./wire";

/** The part of an anywidget model that is needed here. */
export interface Channel {
  send(content: unknown, callbacks?: unknown, buffers?: ArrayBuffer[]): void;
  on(event: "msg:custom", listener: (content: unknown, buffers: DataView[]) => void): void;
  off(event: "msg:custom", listener: (content: unknown, buffers: DataView[]) => void): void;
}

export type Answer =
  | {
      kind: "numbers";
      point: Float64Array;
      arrays: Partial<Record<Evaluated["arrays"][number], Float64Array>>;
      compilations: number;
    }
  | { kind: "failed"; point: Float64Array; message: string }
  | { kind: "lost"; point: Float64Array }
  | { kind: "progress"; message: string };

export interface Kernel {
  ask(point: Float64Array): void;
  /** Forget what is waiting, and ignore the answers to what is on its way. */
  drop(): void;
  listen(listener: (answer: Answer) => void): void;
  close(): void;
}

interface Question {
  point: Float64Array;
  timer: ReturnType<typeof setTimeout> | undefined;
  givenUp: boolean;
}

const MOST_IN_FLIGHT = 2;
/** Answers to questions that were given up are still welcome, of these many. */
const MOST_REMEMBERED = 64;

/** `patience` in milliseconds; the first answer may take `firstPatience`, and any word of progress starts it anew. */
export function createKernel(channel: Channel, patience = 3000, firstPatience = 10000): Kernel {
  const asked = new Map<number, Question>();
  let listener: (answer: Answer) => void = () => {};
  let waiting: Float64Array | null = null;
  let lastSeq = 0;
  /** Answers up to this one are stale. */
  let settled = 0;
  let answered = false;

  function inFlight(): Question[] {
    return [...asked.values()].filter((question) => !question.givenUp);
  }

  function startTimer(question: Question): void {
    clearTimeout(question.timer);
    question.timer = setTimeout(() => giveUp(question), answered ? patience : Math.max(patience, firstPatience));
  }

  function giveUp(question: Question): void {
    question.givenUp = true;
    listener({ kind: "lost", point: question.point });
    sendWaiting();
  }

  function sendWaiting(): void {
    if (!waiting || inFlight().length >= MOST_IN_FLIGHT) return;
    const question: Question = { point: waiting, timer: undefined, givenUp: false };
    waiting = null;
    const message: Evaluate = { kind: "evaluate", seq: ++lastSeq };
    asked.set(lastSeq, question);
    for (const seq of asked.keys()) if (seq <= lastSeq - MOST_REMEMBERED) asked.delete(seq);
    startTimer(question);
    try {
      channel.send(message, undefined, [question.point.slice().buffer]);
    } catch {
      // The channel is closed: the kernel is gone.
      clearTimeout(question.timer);
      giveUp(question);
    }
  }

  function receive(content: unknown, buffers: DataView[]): void {
    const message = content as FromKernel;
    if (message?.kind === "progress") {
      for (const question of inFlight()) startTimer(question);
      listener({ kind: "progress", message: message.message });
      return;
    }
    if (message?.kind !== "evaluated" && message?.kind !== "failed") return;
    const question = asked.get(message.seq);
    if (!question) return;
    clearTimeout(question.timer);
    asked.delete(message.seq);
    answered = true;
    if (message.seq > settled) {
      settled = message.seq;
      if (message.kind === "failed") listener({ kind: "failed", point: question.point, message: message.message });
      else listener(readAnswer(message, question.point, buffers));
    }
    sendWaiting();
  }

  channel.on("msg:custom", receive);
  return {
    ask(point) {
      waiting = point;
      sendWaiting();
    },
    drop() {
      waiting = null;
      settled = lastSeq;
    },
    listen(next) {
      listener = next;
    },
    close() {
      channel.off("msg:custom", receive);
      for (const question of asked.values()) clearTimeout(question.timer);
      asked.clear();
      waiting = null;
      listener = () => {};
    },
  };
}

function readAnswer(message: Evaluated, point: Float64Array, buffers: DataView[]): Answer {
  const arrays: Partial<Record<Evaluated["arrays"][number], Float64Array>> = {};
  message.arrays.forEach((name, i) => {
    const view = buffers[i];
    // The view may begin anywhere in its buffer, and an array of float64 only at a multiple of 8: so, a copy.
    if (view) arrays[name] = new Float64Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
  });
  return { kind: "numbers", point, arrays, compilations: message.compilations };
}
