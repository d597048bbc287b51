/** Runs a tape: its values by a forward sweep, its Jacobian by reverse or forward sweeps, its Hessians by forward over
 * reverse, with the tangents of all inputs carried at once.
 *
 * Griewank & Walther, Evaluating Derivatives, 2nd ed., chapters 3 and 5.
 */

import type { Numbers } from "./host";
import { compile, type Program } from "./program";
import { findTies } from "./ties";
import type { Tape } from "./wire";

type Floats = Float64Array | Float32Array;
type FloatArray = new (length: number) => Floats;

/** `elsewhere` is the choice, in words, that is another one here than when the tape was recorded. */
export type Evaluation = { numbers: Numbers; elsewhere: null } | { numbers: null; elsewhere: string };

export class TapeRunner {
  readonly outputs: number;
  private readonly program: Program;
  private readonly v: Floats;
  /** First and second partial derivatives of each node in its operands. */
  private readonly pa: Floats;
  private readonly pb: Floats;
  private readonly haa: Floats;
  private readonly hab: Floats;
  private readonly hbb: Floats;
  /** The operands that derivatives flow to, -1 where none does; of a select, the branch taken. */
  private readonly toA: Int32Array;
  private readonly toB: Int32Array;
  private readonly adjoint: Floats;
  /** A row of n for each node: its derivatives in the inputs, and those of its adjoint. Made when first needed. */
  private tangents: Floats | null = null;
  private adjointTangents: Floats | null = null;

  /** In Float32Array every intermediate result is rounded to float32, which shows how far rounding carries. */
  constructor(
    tape: Tape,
    readonly inputs: number,
    private readonly floats: FloatArray = Float64Array,
    /** The rounding of whoever the numbers are compared with. */
    private readonly eps = 2 ** -53,
  ) {
    this.program = compile(tape, inputs);
    const { length, active, a, b, c } = this.program;
    this.outputs = tape.outputs.length;
    this.v = new floats(length);
    this.pa = new floats(length);
    this.pb = new floats(length);
    this.haa = new floats(length);
    this.hab = new floats(length);
    this.hbb = new floats(length);
    this.adjoint = new floats(length);
    this.toA = a.map((node, k) => (active[k] && active[node] ? node : -1));
    this.toB = b.map((node, k) => (active[k] && c[k]! < 0 && active[node] ? node : -1));
    for (let k = 0; k < length; k++) if (c[k]! >= 0) this.pa[k] = 1;
  }

  /** `order`: 0 for the value, 1 with the Jacobian, 2 with the Hessians. */
  evaluate(point: ArrayLike<number>, order: 0 | 1 | 2): Evaluation {
    this.sweepValues(point);
    for (const [node, recorded, words] of this.program.guards) {
      if ((this.v[node] !== 0 ? 1 : 0) !== recorded) return { numbers: null, elsewhere: words };
    }
    const n = this.inputs;
    const m = this.outputs;
    const value = new Float64Array(m);
    for (let j = 0; j < m; j++) value[j] = this.v[this.program.outputs[j]!]!;
    const numbers: Numbers = { point: Float64Array.from(point), value, jacobian: null, hessian: null };
    if (order === 0) return { numbers, elsewhere: null };

    const forward = n < m;
    this.findPartials(order);
    if (order === 2 || forward) this.sweepTangents();
    numbers.jacobian = new Float64Array(m * n);
    if (order === 2) numbers.hessian = new Float64Array(m * n * n);
    for (let j = 0; j < m; j++) {
      if (forward) this.readTangents(j, numbers.jacobian);
      if (order === 2 || !forward) this.sweepAdjoints(j, forward ? null : numbers.jacobian, numbers.hessian);
    }
    return { numbers, elsewhere: null };
  }

  /** Where a derivative is a matter of convention at this point: 1 for output j and input i in row j, or null. */
  findTies(point: ArrayLike<number>): Uint8Array | null {
    this.sweepValues(point);
    return findTies(this.program, this.v, this.eps);
  }

  private sweepValues(point: ArrayLike<number>): void {
    const { length, a, b, c, input, constants, unary, binary, active } = this.program;
    const v = this.v;
    for (let k = 0; k < length; k++) {
      const f = unary[k];
      const g = binary[k];
      if (f) v[k] = f.value(v[a[k]!]!);
      else if (g) v[k] = g.value(v[a[k]!]!, v[b[k]!]!);
      else if (c[k]! >= 0) {
        const taken = v[c[k]!] !== 0 ? a[k]! : b[k]!;
        v[k] = v[taken]!;
        this.toA[k] = active[taken] ? taken : -1;
      } else v[k] = input[k]! >= 0 ? point[input[k]!]! : constants[k]!;
    }
  }

  private findPartials(order: 1 | 2): void {
    const { length, a, b, unary, binary, active } = this.program;
    const { v, pa, pb, haa, hab, hbb, toA, toB } = this;
    for (let k = 0; k < length; k++) {
      if (!active[k]) continue;
      const x = v[a[k]!]!;
      const value = v[k]!;
      const f = unary[k];
      const g = binary[k];
      if (f) {
        pa[k] = f.d!(x, value);
        if (order === 2 && f.dd) haa[k] = f.dd(x, value);
        if (f.cancels && this.floats === Float32Array) {
          pa[k]! += 2 ** -24;
          haa[k]! += 2 ** -24;
        }
      } else if (g) {
        const y = v[b[k]!]!;
        const inA = toA[k]! >= 0;
        const inB = toB[k]! >= 0;
        if (inA) pa[k] = g.da!(x, y, value);
        if (inB) pb[k] = g.db!(x, y, value);
        if (order < 2) continue;
        if (inA && g.daa) haa[k] = g.daa(x, y, value);
        if (inA && inB && g.dab) hab[k] = g.dab(x, y, value);
        if (inB && g.dbb) hbb[k] = g.dbb(x, y, value);
      }
    }
  }

  private sweepTangents(): void {
    const { length, input } = this.program;
    const { pa, pb, toA, toB, inputs: n } = this;
    this.tangents ??= new this.floats(length * n);
    const t = this.tangents.fill(0);
    for (let k = 0; k < length; k++) {
      if (input[k]! >= 0) t[k * n + input[k]!] = 1;
      if (toA[k]! >= 0) addScaled(t, k * n, t, toA[k]! * n, pa[k]!, n);
      if (toB[k]! >= 0) addScaled(t, k * n, t, toB[k]! * n, pb[k]!, n);
    }
  }

  private readTangents(output: number, jacobian: Float64Array): void {
    const n = this.inputs;
    const from = this.program.outputs[output]! * n;
    for (let i = 0; i < n; i++) jacobian[output * n + i] = this.tangents![from + i]!;
  }

  /** One reverse sweep from an output; with a Hessian to fill, the adjoints carry their tangents. */
  private sweepAdjoints(output: number, jacobian: Float64Array | null, hessian: Float64Array | null): void {
    const { length, input, outputs } = this.program;
    const { pa, pb, haa, hab, hbb, toA, toB, inputs: n } = this;
    const adjoint = this.adjoint.fill(0);
    const t = this.tangents;
    let s: Floats | null = null;
    if (hessian) {
      this.adjointTangents ??= new this.floats(length * n);
      s = this.adjointTangents.fill(0);
    }
    const last = outputs[output]!;
    adjoint[last] = 1;
    for (let k = last; k >= 0; k--) {
      const w = adjoint[k]!;
      const a = toA[k]!;
      const b = toB[k]!;
      if (input[k]! >= 0) {
        const i = input[k]!;
        if (jacobian) jacobian[output * n + i]! += w;
        // A derivative in input i of every component: row i of this output's Hessian.
        if (hessian && s) for (let l = 0; l < n; l++) hessian[(output * n + i) * n + l]! += s[k * n + l]!;
      }
      // An adjoint that is exactly 0 says that the output does not depend on the node, and passes nothing on even where
      // a partial derivative is infinite: so the branch that a select did not take leaves no NaN.
      if (a >= 0) {
        if (w !== 0) adjoint[a]! += w * pa[k]!;
        if (s && t) {
          addScaledNonzero(s, a * n, s, k * n, pa[k]!, n);
          if (w !== 0 && haa[k] !== 0) addScaled(s, a * n, t, a * n, w * haa[k]!, n);
          if (w !== 0 && hab[k] !== 0) addScaled(s, a * n, t, b * n, w * hab[k]!, n);
        }
      }
      if (b >= 0) {
        if (w !== 0) adjoint[b]! += w * pb[k]!;
        if (s && t) {
          addScaledNonzero(s, b * n, s, k * n, pb[k]!, n);
          if (w !== 0 && hab[k] !== 0) addScaled(s, b * n, t, a * n, w * hab[k]!, n);
          if (w !== 0 && hbb[k] !== 0) addScaled(s, b * n, t, b * n, w * hbb[k]!, n);
        }
      }
    }
  }
}

/** to[i..] += scale * from[j..], n of them. */
function addScaled(to: Floats, i: number, from: Floats, j: number, scale: number, n: number): void {
  for (let l = 0; l < n; l++) to[i + l]! += scale * from[j + l]!;
}

/** As addScaled, but 0 times infinity is nothing. */
function addScaledNonzero(to: Floats, i: number, from: Floats, j: number, scale: number, n: number): void {
  if (Number.isFinite(scale)) addScaled(to, i, from, j, scale, n);
  else for (let l = 0; l < n; l++) if (from[j + l] !== 0) to[i + l]! += scale * from[j + l]!;
}
