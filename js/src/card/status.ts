/** One line that always says whose numbers are shown; loud when they are not to be trusted. */

import { element, setAttribute, setText } from "../dom";
import type { Snapshot, Standing } from "../host";
import type { Tone } from "../outcomes";

const STANDINGS: Record<Standing, readonly [string, string, Tone]> = {
  report: ["✓", "the report's own numbers, by JAX", "good"],
  waiting: ["…", "asking JAX", "neutral"],
  confirmed: ["✓", "confirmed by JAX", "good"],
  differs: ["✗", "JAX does not agree", "bad"],
  alone: ["○", "browser's own numbers, no kernel", "neutral"],
  failed: ["✗", "the function failed here", "bad"],
  unanswered: ["○", "nobody answers", "warning"],
  elsewhere: ["?", "not the function any more", "warning"],
};
/** A kernel that answers sooner is not worth a word: the line would flicker while the point is dragged. */
const PATIENCE_MS = 300;

export function statusLine() {
  const mark = element("span", { class: "jdm-status-mark", "aria-hidden": "true" });
  const standing = element("strong");
  const words = element("span");
  const text = element("span", {}, standing, words);
  const line = element("p", { class: "jdm-status", role: "status", "aria-live": "polite" }, mark, text);
  let patience: ReturnType<typeof setTimeout> | undefined;
  let latest: Snapshot;
  const write = (snapshot: Snapshot) => {
    const isUnread = snapshot.standing === "report" && snapshot.words !== "";
    const [sign, said, tone] = isUnread ? (["?", "", "warning"] as const) : STANDINGS[snapshot.standing];
    const calm = snapshot.standing !== "differs" && snapshot.standing !== "failed";
    setAttribute(line, "data-jdm-tone", tone);
    setAttribute(line, "data-jdm-loud", calm ? "no" : "yes");
    setText(mark, sign);
    // At the report's own point, and while JAX is asked, the sentence says it all.
    const alone = snapshot.words !== "" && (snapshot.standing === "report" || snapshot.standing === "waiting");
    setText(standing, alone ? "" : said);
    setText(
      words,
      snapshot.words === "" || sameWords(snapshot.words, said) ? "" : `${alone ? "" : ": "}${snapshot.words}`,
    );
  };
  const stop = () => {
    clearTimeout(patience);
    patience = undefined;
  };
  return {
    element: line,
    update(snapshot: Snapshot) {
      setAttribute(line, "data-jdm-standing", snapshot.standing);
      if (snapshot.standing !== "waiting" || line.dataset.jdmTone === undefined) {
        stop();
        write(snapshot);
        return;
      }
      latest = snapshot;
      patience ??= setTimeout(() => {
        patience = undefined;
        write(latest);
      }, PATIENCE_MS);
    },
    stop,
  };
}

function sameWords(a: string, b: string): boolean {
  const plain = (text: string) => text.toLowerCase().replace(/[.\s]+$/, "");
  return plain(a) === plain(b);
}
