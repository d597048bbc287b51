/** The bridge to anywidget, and to a page that holds a report's state without one. */

import { mountCard } from "./card";
import { installStyles } from "./fonts";
import { type Channel, createKernel } from "./kernel";
import { createModel } from "./model";
import { mountPage } from "./page";
import type { PanelState } from "./wire";

/** The part of anywidget's model that is needed here. */
interface Widget extends Channel {
  get(name: "state"): PanelState;
}

function render({ model: widget, el }: { model: Widget; el: HTMLElement }): () => void {
  installStyles(el);
  // Hosts differ in whether the element already stands in its document or shadow root.
  const attached = requestAnimationFrame(() => installStyles(el));
  const kernel = createKernel(widget);
  const unmount = mountCard(el, createModel(widget.get("state"), kernel));
  return () => {
    cancelAnimationFrame(attached);
    unmount();
    kernel.close();
  };
}

/** A panel without a kernel; returns what ends it. */
export function mountState(el: HTMLElement, state: PanelState): () => void {
  installStyles(el);
  return mountCard(el, createModel(state, null));
}

mountPage();

export default { render };
