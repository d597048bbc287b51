/** The card: what was derived and whether it is right, the point in the reader's hands, and the views of it. */

import { statusLine } from "./card/status";
import { tabs } from "./card/tabs";
import { followTheme } from "./card/theme";
import { pointControls } from "./controls/point";
import { element } from "./dom";
import { guarded, guardedPart } from "./guard";
import type { Model } from "./host";
import { GRADES, SIGNS } from "./outcomes";
import { checkView } from "./views/check";
import { costView } from "./views/cost";
import { derivativesView } from "./views/derivatives";
import { findingsView } from "./views/findings";
import { leavesView } from "./views/leaves";
import { plotView } from "./views/plot/plot";
import type { Grade } from "./wire";
import { words } from "./words";

/** Fills `root` and follows `model`; returns what takes everything back. `left`: parts of its state that could not be
 * read. */
export function mountCard(root: HTMLElement, model: Model, left: readonly string[] = []): () => void {
  const { state } = model;
  const status = statusLine();
  const controls = guardedPart("The point", () => pointControls(model));
  const { leaves } = state;
  const views = [
    ...(leaves ? [guarded("Leaves", () => leavesView(model, leaves))] : []),
    guarded("Derivatives", () => derivativesView(model)),
    guarded("Plot", () => plotView(model)),
    guarded("Check", () => checkView(model)),
    guarded("Cost", () => costView(model)),
    guarded("Findings", () => findingsView(model)),
  ];
  const shown = tabs(`Views of ${state.name}`, views, () => model.current);
  const card = element(
    "section",
    { class: "jdm-card", "aria-label": `Derivatives of ${state.name}` },
    header(model),
    left.length === 0 ? null : unread(left),
    status.element,
    controls.element,
    shown.element,
  );
  root.append(card);
  const leaveTheme = followTheme(card);
  status.update(model.current);
  controls.update(model.current);
  const unsubscribe = model.subscribe((snapshot) => {
    status.update(snapshot);
    controls.update(snapshot);
    shown.update(snapshot);
  });
  return () => {
    unsubscribe();
    status.stop();
    controls.stop();
    leaveTheme();
    card.remove();
  };
}

/** The grades of the reader's own derivations come first: the verdict below them is about JAX, not about those. */
function header({ state }: Model): HTMLElement {
  const [mark, tone] = SIGNS[state.verdict];
  const isGood = tone === "good" && (state.grade === null || state.grade === "right");
  const said = `${mark} ${state.verdict}`;
  return element(
    "header",
    { class: "jdm-header" },
    element("p", { class: "jdm-signature" }, state.signature),
    ...state.mine.map(graded),
    element(
      "p",
      { class: "jdm-banner", "data-jdm-tone": tone === "good" && !isGood ? "neutral" : tone },
      element("strong", {}, state.grade === null ? said : `JAX's derivative: ${said}`),
      state.summary === "" ? null : ": ",
      words(state.summary),
    ),
  );
}

function graded(grade: Grade): HTMLElement {
  const [mark, tone] = GRADES[grade.outcome];
  return element(
    "p",
    { class: "jdm-banner", "data-jdm-tone": tone },
    element("strong", {}, `${mark} yours is ${grade.outcome}`),
    `: ${grade.of} = ${grade.written}: `,
    words(grade.message),
  );
}

function unread(left: readonly string[]): HTMLElement {
  return element(
    "p",
    { class: "jdm-banner", "data-jdm-tone": "warning" },
    `Some of what this panel was made of could not be read and is left out: ${left.join(", ")}. Run the cell again.`,
  );
}
