/** A standalone page: its state is in `<script type="application/json" id="jdm-state">`, its place `#jdm-panel`, and this
 * bundle an inline `<script type="module">` after them, which browsers also run from a file. */

import { mount } from "./mount";

/** Does nothing on other pages, such as a notebook. */
export function mountPage(): void {
  const data = document.querySelector("script#jdm-state[type='application/json']");
  const place = document.querySelector<HTMLElement>("#jdm-panel");
  if (!data || !place || place.hasChildNodes()) return;
  mount(place, JSON.parse(data.textContent ?? ""), null);
}
