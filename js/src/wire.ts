/** What the kernel tells the panel, stated once: the state, sent when the panel opens, and the messages after it.
 *
 * All inputs are one vector of n numbers and all outputs one of m, leaf after leaf, each in row-major order. A Jacobian
 * is m * n numbers, row by row; a Hessian m * n * n, output by output.
 */

/** JSON has no words for these three; everything else is a plain number. */
export type Num = number | "nan" | "inf" | "-inf";
export type Outcome = "proved" | "agrees" | "out of reach" | "differs";

export interface Leaf {
  name: string;
  shape: number[];
  dtype: string;
}

/** One of the arrays value, jacobian, hessian at the report's point. */
export interface Derivative {
  /** "value", "gradient" (of a scalar function), "jacobian" or "hessian". */
  what: string;
  /** JAX's numbers; null where they were not computed or are too many to send, and `missing` says why. */
  values: Num[] | null;
  /** LaTeX of each number, in the same order; null where it has none. */
  formulas: (string | null)[] | null;
  /** The whole as a few formulas in matrix or index notation, each a LaTeX equation such as "\\nabla f = 2 x". */
  closed: string[];
  missing: string;
}

export interface CheckEntry {
  what: string;
  output: string;
  inputs: string[];
  symbolic: Num | null;
  forward: Num | null;
  reverse: Num | null;
  numeric: Num | null;
  /** In ulp of the dtype. */
  error: Num | null;
  outcome: Outcome;
  reason: string;
  /** The kind of the reason, such as "at a tie"; "" for none. */
  why: string;
}

export interface Check {
  outcome: Outcome;
  summary: string;
  entries: CheckEntry[];
  /** How many entries are left out of `entries`; those are never the worst. */
  left_out: number;
  /** For each column that is missing, why. */
  columns: Record<string, string>;
  not_covered: string[];
}

/** One way to a derivative; numbers are null where they were not counted or measured. */
export interface Strategy {
  mode: string;
  passes: number | null;
  flops: number | null;
  seconds: number | null;
  compile_seconds: number | null;
  temp_bytes: number | null;
  /** Why it cannot be used; "" when it can. */
  infeasible: string;
  call: string;
  because: string;
  verified: string;
}

export interface Cost {
  recommended: string;
  reason: string;
  call: string;
  measured: boolean;
  note: string;
  rule: string;
  /** Ways to the first derivative, best first, the infeasible last. */
  first: Strategy[];
  /** Ways to the Hessian. */
  second: Strategy[];
}

export interface Curvature {
  eigenvalues: Num[];
  definiteness: string;
  point_kind: string;
  note: string;
}

export interface Finding {
  kind: string;
  severity: "info" | "warning" | "error";
  path: string;
  where: string;
  message: string;
  cure: string;
  /** LaTeX, or "". */
  formula: string;
}

/** One leaf of a model's arguments, or all of a module together. */
export interface LeafRow {
  name: string;
  /** In words: "192 × 192". */
  shape: string;
  /** Norm of the gradient by it; null where there is none. */
  gradient: Num | null;
  /** |gradient| / |parameter|. */
  ratio: Num | null;
  /** How long its bar is, from 0 to 1. */
  share: number;
  /** Share of exact zeros in the gradient. */
  zeros: Num | null;
  /** How many numbers of the gradient are not finite. */
  nonfinite: number;
  outcome: Outcome | "";
}

export interface LeafModule {
  whole: LeafRow;
  /** Its leaves; none where `whole` is a leaf alone. */
  rows: LeafRow[];
  open: boolean;
}

/** The first screen of a model. */
export interface LeafTable {
  caption: string;
  /** Where NaN, infinities and exact zeros begin: the words that stand out, and the rest of the sentence. */
  begins: { tone: "bad" | "warning"; said: [string, string] }[];
  modules: LeafModule[];
  /** How many modules are left out. */
  left_out: number;
  /** Names and what is known. */
  facts: [string, string][];
}

/** Of a derivation of the reader's own. */
export interface Grade {
  /** Which derivative it is of. */
  of: string;
  written: string;
  outcome: "right" | "undecided" | "wrong";
  message: string;
}

/** A scalar program in single assignment: node k is `nodes[k]`, an operation and the numbers of earlier nodes.
 *
 * ["input", i] is the i-th input and ["const", value] a number; every other operand is the number of a node. Comparisons
 * give 1 or 0, ["select", c, a, b] is a where c is not 0, else b.
 */
export type TapeNode = [string, ...Num[]];

export interface Tape {
  nodes: TapeNode[];
  /** The nodes of the m outputs. */
  outputs: number[];
  /** Choices that were made when the tape was recorded: [node of a comparison, its value then, what was chosen, in
   * words]. Where one turns out otherwise, the tape is not the function. */
  guards: [number, 0 | 1, string][];
}

export interface PanelState {
  version: 1;
  /** "f" */
  name: string;
  /** "f : ℝ² → ℝ   (float32)" */
  signature: string;
  /** The worst of the grades in `mine`; null where the reader gave no derivation. */
  grade: Grade["outcome"] | null;
  mine: Grade[];
  verdict: Outcome;
  summary: string;
  inputs: Leaf[];
  outputs: Leaf[];
  /** Names of the n inputs and m outputs: "x[0]", "params['W'][0, 2]", "f". Where they are many, null is sent, and they
   * are made of the leaves. */
  input_names: string[];
  output_names: string[];
  /** The report's point, n numbers. */
  point: Num[];
  derivatives: Derivative[];
  check: Check;
  cost: Cost | null;
  curvature: Curvature | null;
  findings: Finding[];
  /** How many findings are left out of `findings`; those are never the gravest. */
  findings_left_out: number;
  /** Of a model; null of other functions. */
  leaves: LeafTable | null;
  tape: Tape | null;
  /** Why there is no tape; "" when there is one. */
  tape_missing: string;
}

/** From the panel to the kernel, with one buffer: the point, n float64. */
export interface Evaluate {
  kind: "evaluate";
  seq: number;
}

/** From the kernel, with a float64 buffer for each name in `arrays`, in that order. */
export interface Evaluated {
  kind: "evaluated";
  seq: number;
  arrays: ("value" | "jacobian" | "hessian")[];
  /** How often the kernel has compiled so far; it stays the same while a point is dragged. */
  compilations: number;
}

/** From the kernel: the function raised at that point. */
export interface Failed {
  kind: "failed";
  seq: number;
  message: string;
}

/** From the kernel, before something that takes long. */
export interface Progress {
  kind: "progress";
  message: string;
}

export type FromKernel = Evaluated | Failed | Progress;
