/** A panel in an element, or the sentence that says why there is none. */

import { mountCard } from "./card";
import { element } from "./dom";
import { installStyles } from "./fonts";
import type { Kernel } from "./kernel";
import { createModel } from "./model";
import type { PanelState } from "./wire";

const VERSION: PanelState["version"] = 1;

/** `state` is what was found in a widget, a notebook or a page, maybe of another version. Returns what ends the panel. */
export function mount(el: HTMLElement, state: unknown, kernel: Kernel | null): () => void {
  installStyles(el);
  if (isState(state)) return mountCard(el, createModel(state, kernel));
  const words = element("p", {}, "This panel was made by another version of jaxdiff_magic; run the cell again.");
  el.append(words);
  return () => words.remove();
}

function isState(state: unknown): state is PanelState {
  return typeof state === "object" && state !== null && (state as { version?: unknown }).version === VERSION;
}
