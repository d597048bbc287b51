/** A tape compiled for the sweeps: operations and operands in flat arrays, and which operands derivatives flow through. */

import { type Binary, binary, type Unary, unary } from "./functions";
import { fromWire } from "./numbers";
import type { Num, Tape } from "./wire";

/** Operands of node k are the nodes a[k], b[k] and c[k]; -1 where there is none. */
export interface Program {
  length: number;
  inputs: number;
  a: Int32Array;
  b: Int32Array;
  c: Int32Array;
  /** Which input node k is, or -1. */
  input: Int32Array;
  constants: Float64Array;
  /** At most one of them for each node; a select has neither, and c. */
  unary: (Unary | null)[];
  binary: (Binary | null)[];
  /** 1 where the node depends on the inputs in a way that has a derivative. */
  active: Uint8Array;
  /** 1 where it depends on the inputs in any way. */
  varies: Uint8Array;
  outputs: Int32Array;
  guards: Tape["guards"];
}

/** Throws an Error that names the node where the tape is not one of a function of that many inputs. */
export function compile(tape: Tape, inputs: number): Program {
  const length = tape.nodes.length;
  const column = () => new Int32Array(length).fill(-1);
  const program: Program = {
    length,
    inputs,
    a: column(),
    b: column(),
    c: column(),
    input: column(),
    constants: new Float64Array(length),
    unary: new Array(length).fill(null),
    binary: new Array(length).fill(null),
    active: new Uint8Array(length),
    varies: new Uint8Array(length),
    outputs: Int32Array.from(tape.outputs),
    guards: tape.guards,
  };
  for (let k = 0; k < length; k++) {
    addNode(program, tape, k);
    const { input, a, b, c, varies } = program;
    const operands = [a[k]!, b[k]!, c[k]!].filter((node) => node >= 0);
    // A difference of a node with itself, as in all pairs x[i] - x[j], is 0 everywhere.
    const isZero = tape.nodes[k]![0] === "sub" && a[k] === b[k];
    varies[k] = input[k]! >= 0 || (!isZero && operands.some((node) => varies[node])) ? 1 : 0;
  }
  for (const k of [...tape.outputs, ...tape.guards.map(([node]) => node)]) {
    if (!isBelow(k, length)) throw new Error(`The tape has ${length} nodes and refers to node ${k}.`);
  }
  return program;
}

function addNode(program: Program, tape: Tape, k: number): void {
  const [operation, ...operands] = tape.nodes[k]!;
  const expect = (count: number, limit: number) => {
    if (operands.length !== count || !operands.every((x) => isBelow(x, limit))) {
      throw new Error(`Node ${k} of the tape, ${operation}(${operands.join(", ")}), has operands that it cannot have.`);
    }
  };
  const { a, b, c, active } = program;
  if (operation === "const") {
    program.constants[k] = fromWire(operands[0] ?? "nan");
  } else if (operation === "input") {
    expect(1, program.inputs);
    program.input[k] = operands[0] as number;
    active[k] = 1;
  } else if (operation === "select") {
    expect(3, k);
    [c[k], a[k], b[k]] = operands as [number, number, number];
    active[k] = active[a[k]!]! | active[b[k]!]!;
  } else if (Object.hasOwn(unary, operation)) {
    expect(1, k);
    const f = unary[operation]!;
    program.unary[k] = f;
    a[k] = operands[0] as number;
    active[k] = f.d ? active[a[k]!]! : 0;
  } else if (Object.hasOwn(binary, operation)) {
    expect(2, k);
    const f = binary[operation]!;
    program.binary[k] = f;
    [a[k], b[k]] = operands as [number, number];
    active[k] = f.da ? active[a[k]!]! | active[b[k]!]! : 0;
  } else {
    throw new Error(`Node ${k} of the tape is an operation that this panel does not know: ${operation}.`);
  }
}

function isBelow(x: Num, limit: number): boolean {
  return Number.isInteger(x) && (x as number) >= 0 && (x as number) < limit;
}
