/** What the Hessian says: its eigenvalues where the reader is, and at the report's point what kind of point that is. */

import { bendWords, eigenvalueList } from "../bend";
import { element, setShown, setText } from "../dom";
import type { Model, Snapshot } from "../host";
import { symmetricEigen } from "../linear";
import { isAt } from "../place";
import { words } from "../words";

/** Eigenvalues of a larger matrix take longer than a frame, and are too many to read. */
const MOST = 12;

export function curvatureBlock(model: Model): { element: HTMLElement; update(snapshot: Snapshot): void } | null {
  const { state, inputs, outputs } = model;
  const told = state.curvature;
  const hasHessian = state.derivatives.some(({ what, values }) => what === "hessian" && values !== null);
  if (outputs !== 1 || inputs === 0) return null;
  const dtype = state.outputs[0]?.dtype ?? "float64";
  const isLive = inputs <= MOST && (hasHessian || told !== null);
  if (!isLive && !told) return null;
  const eigenvalues = element("dd", { class: "jdm-mono" });
  const here = element("dd");
  const live = element(
    "dl",
    { class: "jdm-facts" },
    element("dt", {}, "eigenvalues"),
    eigenvalues,
    element("dt", {}, "the function"),
    here,
  );
  const atReport = told
    ? element(
        "dl",
        { class: "jdm-facts" },
        element("dt", {}, "Hessian"),
        element("dd", {}, told.definiteness),
        element("dt", {}, "the point"),
        element("dd", {}, told.point_kind),
      )
    : null;
  const note = told?.note ? element("p", { class: "jdm-note" }, words(told.note)) : null;
  return {
    element: element(
      "section",
      { class: "jdm-part", "aria-label": "Curvature" },
      element("h3", { class: "jdm-title" }, "Curvature"),
      isLive ? live : null,
      atReport,
      note,
    ),
    update(snapshot) {
      const isReport = isAt(state, snapshot.numbers.point);
      if (atReport) setShown(atReport, isReport);
      if (note) setShown(note, isReport);
      const { hessian } = snapshot.numbers;
      if (!isLive || !hessian) return setShown(live, false);
      const { values } = symmetricEigen(hessian, inputs);
      setShown(live, true);
      setText(eigenvalues, eigenvalueList(values, dtype));
      setText(here, bendWords(state, snapshot.numbers.point, values));
    },
  };
}
