/** A panel in an element, or the sentence that says why there is none. */

import { mountCard } from "./card";
import { element } from "./dom";
import { installStyles } from "./fonts";
import { failure } from "./guard";
import type { Kernel } from "./kernel";
import { createModel } from "./model";
import { sane } from "./sane";
import type { PanelState } from "./wire";

const VERSION: PanelState["version"] = 1;

/** `state` is what was found in a widget, a notebook or a page, maybe of another version. Returns what ends the panel. */
export function mount(el: HTMLElement, state: unknown, kernel: Kernel | null): () => void {
  installStyles(el);
  let words: HTMLElement;
  if (isState(state)) {
    try {
      const { state: read, left } = sane({ ...state });
      return mountCard(el, createModel(read, kernel), left);
    } catch (error) {
      el.replaceChildren();
      words = failure("This panel", error);
    }
  } else words = element("p", {}, "This panel was made by another version of jaxdiff_magic; run the cell again.");
  el.append(words);
  return () => words.remove();
}

function isState(state: unknown): state is PanelState {
  return typeof state === "object" && state !== null && (state as { version?: unknown }).version === VERSION;
}
