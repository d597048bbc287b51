/** What is about the report's point says so when the reader has moved away from it. */

import { button, element, setShown } from "../dom";
import type { Model, Snapshot } from "../host";
import { isAt, placeName, reportPoint } from "../place";

/** `what`: the start of a sentence, "This check is". */
export function awayNote(model: Model, what: string) {
  const place = placeName(model.state, reportPoint(model.state));
  const text = `${what} about the report's point, ${place}, and you have moved away from it.`;
  const note = element(
    "p",
    { class: "jdm-banner", "data-jdm-tone": "warning", hidden: true },
    `${text} `,
    button("Go back there", () => model.reset()),
  );
  return {
    element: note,
    update: (snapshot: Snapshot) => setShown(note, !isAt(model.state, snapshot.point)),
  };
}
