/** A panel's state from anywhere as one that can be drawn: what is missing, of another type or too much is left out, and
 * what was left out is told. Nothing else looks at a state before this has. */

import { OUTCOMES } from "./outcomes";
import type {
  CheckEntry,
  Derivative,
  Finding,
  Grade,
  Leaf,
  LeafRow,
  LeafTable,
  Num,
  Outcome,
  PanelState,
  Strategy,
  Tape,
} from "./wire";

/** As on the other side, which sends no more: see panel/state.py. */
const MOST = {
  numbers: 4096,
  entries: 200,
  findings: 100,
  grades: 50,
  words: 2100,
  name: 200,
  ways: 50,
  nodes: 500_000,
};
const SEVERITIES: readonly Finding["severity"][] = ["error", "warning", "info"];
const GRADES: readonly Grade["outcome"][] = ["right", "undecided", "wrong"];

type Bag = Record<string, unknown>;

/** The state, and the names of its parts that could not be read as they are. */
export function sane(state: Bag): { state: PanelState; left: string[] } {
  const left = new Set<string>();
  const note = (part: string) => void left.add(part);
  const inputNames = names(state.input_names, state.inputs, "input_names", note);
  const outputNames = names(state.output_names, state.outputs, "output_names", note);
  const [n, m] = [inputNames.length, outputNames.length];
  const point = list(state.point, "point", note);
  if (point.length !== n || !point.every(isNum)) note("point");
  const inputs = leaves(state.inputs, n, "inputs", note);
  const outputs = leaves(state.outputs, m, "outputs", note);
  const mine = bags(state.mine ?? [], "mine", note)
    .slice(0, MOST.grades)
    .map((one) => grade(one, note));
  const findings = [...bags(state.findings, "findings", note)].map((one) => finding(one, note));
  findings.sort((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));
  const derivatives = bags(state.derivatives, "derivatives", note)
    .slice(0, 8)
    .map((one) => derivative(one, n, m, note));
  if (!derivatives.some(({ what }) => what === "value")) derivatives.push(derivative({ what: "value" }, n, m, note));
  const tape = readTape(state.tape, m);
  if (tape === undefined) note("tape");
  return {
    state: {
      version: 1,
      name: text(state.name, "name", note) || "the function",
      signature: text(state.signature, "signature", note),
      mine,
      grade: mine.length > 0 ? worst(mine.map((one) => one.outcome)) : null,
      verdict: outcome(state.verdict, "verdict", note),
      summary: text(state.summary, "summary", note),
      inputs,
      outputs,
      input_names: inputNames,
      output_names: outputNames,
      point: Array.from({ length: n }, (_, k) => num(point[k])),
      derivatives,
      check: check(state.check, note),
      cost: cost(state.cost, note),
      curvature: curvature(state.curvature, note),
      findings: findings.slice(0, MOST.findings),
      findings_left_out: count(state.findings_left_out) + Math.max(0, findings.length - MOST.findings),
      leaves: leafTable(state.leaves, note),
      tape: tape ?? null,
      tape_missing: tape === undefined ? "its program could not be read" : text(state.tape_missing ?? "", "", note),
    },
    left: [...left],
  };
}

type Note = (part: string) => void;

function isBag(value: unknown): value is Bag {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function list(value: unknown, part: string, note: Note): unknown[] {
  if (Array.isArray(value)) return value;
  note(part);
  return [];
}

function bags(value: unknown, part: string, note: Note): Bag[] {
  const all = list(value, part, note);
  const kept = all.filter(isBag);
  if (kept.length < all.length) note(part);
  return kept;
}

function text(value: unknown, part: string, note: Note): string {
  if (typeof value === "string") return value.length > MOST.words ? `${value.slice(0, MOST.words)} …` : value;
  note(part);
  return "";
}

function name(value: unknown): string {
  return typeof value === "string" ? value.slice(0, MOST.name) : "?";
}

/** As they are listed; else, as many as the leaves have numbers, which is how many are sent. */
function names(value: unknown, leaves: unknown, part: string, note: Note): string[] {
  const listed = value === null ? [] : list(value, part, note);
  if (listed.length > MOST.numbers) note(part);
  if (Array.isArray(value)) return listed.slice(0, MOST.numbers).map(name);
  const found = Array.isArray(leaves) ? leaves.filter(isBag).slice(0, MOST.numbers) : [];
  return found
    .flatMap((leaf) => {
      const shape = Array.isArray(leaf.shape) ? leaf.shape.map(count) : [];
      const size = Math.min(
        shape.reduce((a, b) => a * b, 1),
        MOST.numbers,
      );
      return shape.length === 0
        ? [name(leaf.name)]
        : Array.from({ length: size }, (_, k) => `${name(leaf.name)}[${place(k, shape)}]`);
    })
    .slice(0, MOST.numbers);
}

/** The index of the k-th number of an array: "1, 2". */
function place(k: number, shape: readonly number[]): string {
  let rest = k;
  const index = shape.map(() => 0);
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const length = Math.max(1, shape[axis] ?? 1);
    index[axis] = rest % length;
    rest = Math.floor(rest / length);
  }
  return index.join(", ");
}

function isNum(value: unknown): value is Num {
  return typeof value === "number" || value === "nan" || value === "inf" || value === "-inf";
}

function num(value: unknown): Num {
  return isNum(value) ? value : "nan";
}

/** A figure, or null where there is none. */
function figure(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function count(value: unknown): number {
  return Math.max(0, Math.round(figure(value) ?? 0));
}

function oneOf<T extends string>(value: unknown, known: readonly T[], otherwise: T, part: string, note: Note): T {
  const found = known.find((word) => word === value);
  if (found === undefined) note(part);
  return found ?? otherwise;
}

/** What is no outcome proves nothing. */
function outcome(value: unknown, part: string, note: Note): Outcome {
  return oneOf(value, OUTCOMES, "out of reach", part, note);
}

function worst(grades: Grade["outcome"][]): Grade["outcome"] {
  return GRADES[Math.max(...grades.map((one) => GRADES.indexOf(one)))] ?? "undecided";
}

/** Leaves whose sizes make `total` numbers; else one leaf of them all. */
function leaves(value: unknown, total: number, part: string, note: Note): Leaf[] {
  const found = bags(value, part, note)
    .slice(0, MOST.numbers)
    .map((leaf) => ({
      name: name(leaf.name),
      shape: Array.isArray(leaf.shape) ? leaf.shape.slice(0, 32).map((length) => figure(length) ?? -1) : [-1],
      dtype: typeof leaf.dtype === "string" ? leaf.dtype.slice(0, MOST.name) : "float64",
    }));
  const sizes = found.map((leaf) => leaf.shape.reduce((a, b) => a * b, 1));
  const fits = found.every(({ shape }) => shape.every((length) => Number.isInteger(length) && length >= 0));
  if (fits && sizes.reduce((a, b) => a + b, 0) === total) return found;
  note(part);
  return [{ name: found[0]?.name ?? part.slice(0, -1), shape: [total], dtype: found[0]?.dtype ?? "float64" }];
}

function derivative(one: Bag, n: number, m: number, note: Note): Derivative {
  const what = name(one.what);
  const size = { value: m, gradient: m * n, jacobian: m * n, hessian: m * n * n }[what];
  const fits = (value: unknown): value is unknown[] => Array.isArray(value) && value.length === size;
  const values = fits(one.values) && one.values.every(isNum) ? (one.values as Num[]) : null;
  const formulas = fits(one.formulas) ? one.formulas.map((latex) => (typeof latex === "string" ? latex : null)) : null;
  if ((one.values !== null && values === null) || (one.formulas !== null && formulas === null)) note("derivatives");
  const closed = list(one.closed, "derivatives", note).filter((latex) => typeof latex === "string");
  const missing = text(one.missing ?? "", "derivatives", note);
  return {
    what,
    values,
    formulas,
    closed: closed.slice(0, MOST.grades),
    missing: values === null && missing === "" ? "its numbers could not be read" : missing,
  };
}

function check(value: unknown, note: Note): PanelState["check"] {
  if (!isBag(value)) note("check");
  const found = isBag(value) ? value : {};
  const entries = bags(found.entries ?? [], "check", note).map((one) => entry(one, note));
  const kept =
    entries.length <= MOST.entries
      ? entries
      : [...entries].sort((a, b) => OUTCOMES.indexOf(b.outcome) - OUTCOMES.indexOf(a.outcome)).slice(0, MOST.entries);
  const columns = isBag(found.columns) ? Object.entries(found.columns).slice(0, MOST.ways) : [];
  return {
    outcome: outcome(found.outcome, "check", note),
    summary: text(found.summary ?? "", "check", note),
    entries: kept,
    left_out: count(found.left_out) + entries.length - kept.length,
    columns: Object.fromEntries(columns.map(([column, reason]) => [name(column), text(reason, "check", note)])),
    not_covered: list(found.not_covered ?? [], "check", note)
      .slice(0, MOST.findings)
      .map((gap) => text(gap, "check", note)),
  };
}

function entry(one: Bag, note: Note): CheckEntry {
  const column = (value: unknown) => (isNum(value) ? value : null);
  return {
    what: name(one.what),
    output: name(one.output),
    inputs: Array.isArray(one.inputs) ? one.inputs.slice(0, 8).map(name) : [],
    symbolic: column(one.symbolic),
    forward: column(one.forward),
    reverse: column(one.reverse),
    numeric: column(one.numeric),
    error: column(one.error),
    outcome: outcome(one.outcome, "check", note),
    reason: text(one.reason ?? "", "check", note),
    why: text(one.why ?? "", "check", note),
  };
}

function cost(value: unknown, note: Note): PanelState["cost"] {
  if (value === null || value === undefined) return null;
  if (!isBag(value)) {
    note("cost");
    return null;
  }
  const said = (part: string) => text(value[part] ?? "", "cost", note);
  const ways = (part: string) =>
    bags(value[part] ?? [], "cost", note)
      .slice(0, MOST.ways)
      .map((one) => strategy(one, note));
  return {
    recommended: said("recommended"),
    reason: said("reason"),
    call: said("call"),
    measured: value.measured === true,
    note: said("note"),
    rule: said("rule"),
    first: ways("first"),
    second: ways("second"),
  };
}

function strategy(one: Bag, note: Note): Strategy {
  const said = (part: string) => text(one[part] ?? "", "cost", note);
  return {
    mode: said("mode"),
    passes: figure(one.passes),
    flops: figure(one.flops),
    seconds: figure(one.seconds),
    compile_seconds: figure(one.compile_seconds),
    temp_bytes: figure(one.temp_bytes),
    infeasible: said("infeasible"),
    call: said("call"),
    because: said("because"),
    verified: said("verified"),
  };
}

function curvature(value: unknown, note: Note): PanelState["curvature"] {
  if (value === null || value === undefined) return null;
  if (!isBag(value)) {
    note("curvature");
    return null;
  }
  return {
    eigenvalues: list(value.eigenvalues, "curvature", note).slice(0, MOST.numbers).map(num),
    definiteness: text(value.definiteness, "curvature", note),
    point_kind: text(value.point_kind, "curvature", note),
    note: text(value.note ?? "", "curvature", note),
  };
}

function leafTable(value: unknown, note: Note): LeafTable | null {
  if (value === null || value === undefined) return null;
  if (!isBag(value)) {
    note("leaves");
    return null;
  }
  const said = (one: unknown) => text(one, "leaves", note);
  const pair = (one: unknown): [string, string] => {
    const [first, second] = Array.isArray(one) ? one : [];
    return [said(first), said(second)];
  };
  return {
    caption: said(value.caption),
    begins: bags(value.begins ?? [], "leaves", note)
      .slice(0, MOST.ways)
      .map((one) => ({ tone: one.tone === "bad" ? "bad" : "warning", said: pair(one.said) })),
    modules: bags(value.modules ?? [], "leaves", note)
      .slice(0, MOST.entries)
      .map((one) => ({
        whole: leafRow(isBag(one.whole) ? one.whole : {}, note),
        rows: bags(one.rows ?? [], "leaves", note)
          .slice(0, MOST.entries)
          .map((leaf) => leafRow(leaf, note)),
        open: one.open === true,
      })),
    left_out: count(value.left_out),
    facts: list(value.facts ?? [], "leaves", note)
      .slice(0, MOST.ways)
      .map(pair),
  };
}

function leafRow(one: Bag, note: Note): LeafRow {
  const number = (value: unknown) => (isNum(value) ? value : null);
  return {
    name: name(one.name),
    shape: text(one.shape, "leaves", note),
    gradient: number(one.gradient),
    ratio: number(one.ratio),
    share: Math.min(1, Math.max(0, figure(one.share) ?? 0)),
    zeros: number(one.zeros),
    nonfinite: count(one.nonfinite),
    outcome: one.outcome === "" ? "" : outcome(one.outcome, "leaves", note),
  };
}

function finding(one: Bag, note: Note): Finding {
  const said = (part: string) => text(one[part] ?? "", "findings", note);
  return {
    kind: said("kind"),
    severity: oneOf(one.severity, SEVERITIES, "warning", "findings", note),
    path: said("path"),
    where: said("where"),
    message: said("message"),
    cure: said("cure"),
    formula: typeof one.formula === "string" ? one.formula : "",
  };
}

function grade(one: Bag, note: Note): Grade {
  const said = (part: string) => text(one[part] ?? "", "mine", note);
  return {
    of: said("of"),
    written: said("written"),
    outcome: oneOf(one.outcome, GRADES, "undecided", "mine", note),
    message: said("message"),
  };
}

/** Its nodes are looked at when it is compiled; undefined where it is no tape at all. */
function readTape(value: unknown, m: number): Tape | null | undefined {
  if (value === null || value === undefined) return null;
  if (!isBag(value) || !Array.isArray(value.nodes) || value.nodes.length > MOST.nodes) return undefined;
  if (!value.nodes.every((node) => Array.isArray(node) && node.length > 0 && node.length < 5)) return undefined;
  if (!Array.isArray(value.outputs) || value.outputs.length !== m || !Array.isArray(value.guards)) return undefined;
  if (!value.guards.every((guard) => Array.isArray(guard) && typeof guard[2] === "string")) return undefined;
  return value as unknown as Tape;
}
