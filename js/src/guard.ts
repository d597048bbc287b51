/** What cannot be drawn says so in its place; the rest of the card stands. */

import { element } from "./dom";
import type { View } from "./host";

/** Where something was to be drawn. */
export function failure(what: string, error: unknown): HTMLElement {
  const reason = error instanceof Error ? error.message : String(error);
  return element(
    "p",
    { class: "jdm-banner", "data-jdm-tone": "warning", role: "status" },
    `${what} could not be drawn (${reason.slice(0, 200)}). Run the cell again.`,
  );
}

/** A view, or the sentence that stands in its place; likewise once it fails to follow a move. */
export function guarded(title: string, make: () => View): View {
  const failed = (error: unknown) => failure(`The view “${title}”`, error);
  try {
    const view = make();
    let isWell = true;
    return {
      title: view.title,
      element: view.element,
      update(snapshot) {
        if (!isWell) return;
        try {
          view.update(snapshot);
        } catch (error) {
          isWell = false;
          view.element.replaceChildren(failed(error));
        }
      },
    };
  } catch (error) {
    return { title, element: element("div", { class: "jdm-view" }, failed(error)), update() {} };
  }
}

/** A part of the card that follows moves and ends; a failure stands in its place. */
export function guardedPart<P extends { element: HTMLElement; stop(): void }>(what: string, make: () => P) {
  try {
    return make();
  } catch (error) {
    return { element: failure(what, error), update() {}, stop() {} };
  }
}
