/** Sentences from Python as elements: what stands between backticks is code. */

import { element } from "./dom";

export function words(text: string): DocumentFragment {
  const fragment = document.createDocumentFragment();
  const parts = text.split("`");
  const paired = parts.length % 2 === 1;
  if (!paired) fragment.append(text);
  else fragment.append(...parts.map((part, k) => (k % 2 ? element("code", { class: "jdm-code" }, part) : part)));
  return fragment;
}
