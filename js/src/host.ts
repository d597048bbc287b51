/** What views and the model agree on: a view draws snapshots and asks the model to move. */

import type { PanelState } from "./wire";

/** A function's numbers at a point; see wire.ts for the layout. */
export interface Numbers {
  point: Float64Array;
  value: Float64Array;
  /** null where the derivative was not computed. */
  jacobian: Float64Array | null;
  hessian: Float64Array | null;
}

/** Whether JAX stands behind the numbers shown.
 *
 * "report": they are the report's own, computed by JAX. "waiting": asked, not answered yet. "confirmed": JAX's numbers
 * at this point equal the tape's (but where `words` say that a derivative is a convention), or are themselves what is
 * shown. "differs": they do not. "alone": nobody answers, the numbers are the tape's own. "failed": the function
 * raised, and the last good numbers are shown. "elsewhere": a choice in the function turned out otherwise than when the
 * tape was recorded, and no kernel is there to ask. "unanswered": there is no tape and nobody answers; the last good
 * numbers are shown.
 */
export type Standing = "report" | "waiting" | "confirmed" | "differs" | "alone" | "failed" | "elsewhere" | "unanswered";

export interface Snapshot {
  /** Where the reader has moved to; `numbers.point` is where the numbers are from (the last good point). */
  point: Float64Array;
  numbers: Numbers;
  standing: Standing;
  /** A sentence for the status line. */
  words: string;
}

export interface Model {
  readonly state: PanelState;
  /** n and m. */
  readonly inputs: number;
  readonly outputs: number;
  readonly current: Snapshot;
  /** Move to a point; subscribers are told at once where there is a tape, and again when the kernel answers. */
  moveTo(point: Float64Array): void;
  reset(): void;
  /** The function's numbers anywhere, by the tape; null without one, or where the tape is not the function.
   * `order`: 0 for values, 1 with the Jacobian, 2 with the Hessian as well. */
  evaluate(point: ArrayLike<number>, order: 0 | 1 | 2): Numbers | null;
  /** Returns what ends the subscription. */
  subscribe(listener: (snapshot: Snapshot) => void): () => void;
}

export interface View {
  /** Shown on its tab. */
  title: string;
  element: HTMLElement;
  update(snapshot: Snapshot): void;
}
