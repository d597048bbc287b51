/** Which derivatives a tie leaves to convention: at a kink or a jump, within rounding, entry by entry. */

import type { Program } from "./program";

/** So many roundings may move a value across a tie. */
const ROUNDINGS = 16;

/** `v` holds the nodes' values and `eps` is the rounding of whoever the numbers are compared with. Row after row, 1 for
 * output j and input i where the output depends on a tied node and that node on the input; null where there is none.
 * Dependence counts through comparisons too, which have no derivative but decide what is one. */
export function findTies(program: Program, v: ArrayLike<number>, eps: number): Uint8Array | null {
  const tied = tiedNodes(program, v, eps);
  if (tied.length === 0) return null;
  const { inputs: n, outputs } = program;
  const unsure = dependents(program, tied);
  const operands = (k: number) => operandsOf(program, v, unsure, k);
  const inputsOf = inputsReached(program, operands);
  const ties = new Uint8Array(outputs.length * n);
  for (let j = 0; j < outputs.length; j++) {
    const reached = nodesBehind(program, outputs[j]!, operands);
    for (const k of tied) {
      if (!reached[k]) continue;
      for (let i = 0; i < n; i++) ties[j * n + i]! |= inputsOf[k * n + i]!;
    }
  }
  return ties.includes(1) ? ties : null;
}

function tiedNodes({ length, a, b, unary, binary, varies }: Program, v: ArrayLike<number>, eps: number): number[] {
  const tied: number[] = [];
  for (let k = 0; k < length; k++) {
    const f = unary[k]?.tie;
    // What is compared with itself is at no tie: it can go no other way.
    if (!varies[k] || !(f || (binary[k]?.tie && a[k] !== b[k]))) continue;
    const x = v[a[k]!]!;
    const y = f ? 0 : v[b[k]!]!;
    const distance = f ? f(x) : Math.abs(x - y);
    if (distance <= ROUNDINGS * eps * Math.max(Math.abs(x), Math.abs(y))) tied.push(k);
  }
  return tied;
}

/** 1 for the tied nodes and whatever depends on one. */
function dependents({ length, a, b, c }: Program, tied: number[]): Uint8Array {
  const found = new Uint8Array(length);
  for (const k of tied) found[k] = 1;
  for (let k = 0; k < length; k++) {
    for (const from of [a[k]!, b[k]!, c[k]!]) if (from >= 0) found[k]! |= found[from]!;
  }
  return found;
}

/** Of a select whose choice is sure, only the branch taken. */
function operandsOf({ a, b, c }: Program, v: ArrayLike<number>, unsure: Uint8Array, k: number): number[] {
  const choice = c[k]!;
  const both = choice < 0 || unsure[choice];
  const all = both ? [a[k]!, b[k]!, choice] : [v[choice] !== 0 ? a[k]! : b[k]!, choice];
  return all.filter((from) => from >= 0);
}

/** A row of n for each node: 1 for the inputs that it depends on. */
function inputsReached({ length, inputs: n, input }: Program, operands: (k: number) => number[]): Uint8Array {
  const rows = new Uint8Array(length * n);
  for (let k = 0; k < length; k++) {
    if (input[k]! >= 0) rows[k * n + input[k]!] = 1;
    for (const from of operands(k)) for (let i = 0; i < n; i++) rows[k * n + i]! |= rows[from * n + i]!;
  }
  return rows;
}

/** 1 for the nodes that this one depends on, itself included. */
function nodesBehind({ length }: Program, last: number, operands: (k: number) => number[]): Uint8Array {
  const reached = new Uint8Array(length);
  reached[last] = 1;
  for (let k = last; k >= 0; k--) if (reached[k]) for (const from of operands(k)) reached[from] = 1;
  return reached;
}
