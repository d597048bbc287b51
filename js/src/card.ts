/** The card: what was derived and whether it is right, the point in the reader's hands, and the views of it. */

import { statusLine } from "./card/status";
import { tabs } from "./card/tabs";
import { followTheme } from "./card/theme";
import { pointControls } from "./controls/point";
import { element } from "./dom";
import type { Model } from "./host";
import { SIGNS } from "./outcomes";
import { checkView } from "./views/check";
import { costView } from "./views/cost";
import { derivativesView } from "./views/derivatives";
import { findingsView } from "./views/findings";
import { plotView } from "./views/plot/plot";
import { words } from "./words";

/** Fills `root` and follows `model`; returns what takes everything back. */
export function mountCard(root: HTMLElement, model: Model): () => void {
  const { state } = model;
  const status = statusLine();
  const controls = pointControls(model);
  const views = [derivativesView(model), plotView(model), checkView(model), costView(model), findingsView(model)];
  const shown = tabs(`Views of ${state.name}`, views, () => model.current);
  const card = element(
    "section",
    { class: "jdm-card", "aria-label": `Derivatives of ${state.name}` },
    header(model),
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

function header({ state }: Model): HTMLElement {
  const [mark, tone] = SIGNS[state.verdict];
  return element(
    "header",
    { class: "jdm-header" },
    element("p", { class: "jdm-signature" }, state.signature),
    element(
      "p",
      { class: "jdm-banner", "data-jdm-tone": tone },
      element("strong", {}, `${mark} ${state.verdict}`),
      state.summary === "" ? null : ": ",
      words(state.summary),
    ),
  );
}
