/** A standalone page: its state is in `<script type="application/json" id="jdm-state">`, its place `#jdm-panel`, and this
 * bundle an inline `<script type="module">` after them, which browsers also run from a file. */

import { failure } from "./guard";
import { mount } from "./mount";

/** Does nothing on other pages, such as a notebook. */
export function mountPage(): void {
  const data = document.querySelector("script#jdm-state[type='application/json']");
  const place = document.querySelector<HTMLElement>("#jdm-panel");
  if (!data || !place || place.hasChildNodes()) return;
  let state: unknown;
  try {
    state = JSON.parse(data.textContent ?? "");
  } catch (error) {
    place.append(failure("This page", error));
    return;
  }
  mount(place, state, null);
}
