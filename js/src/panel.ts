/** The bridge to anywidget, and to a page that holds a report's state without one. */

import { installStyles } from "./fonts";
import { type Channel, createKernel } from "./kernel";
import { mount } from "./mount";
import { mountPage } from "./page";

/** The part of anywidget's model that is needed here. */
interface Widget extends Channel {
  get(name: "state"): unknown;
}

function render({ model: widget, el }: { model: Widget; el: HTMLElement }): () => void {
  // Hosts differ in whether the element already stands in its document or shadow root.
  const attached = requestAnimationFrame(() => installStyles(el));
  const kernel = createKernel(widget);
  const unmount = mount(el, widget.get("state"), kernel);
  return () => {
    cancelAnimationFrame(attached);
    unmount();
    kernel.close();
  };
}

/** A panel without a kernel; returns what ends it. */
export function mountState(el: HTMLElement, state: unknown): () => void {
  return mount(el, state, null);
}

mountPage();

export default { render };
