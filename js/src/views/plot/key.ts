/** The key of a plot, which also states its numbers: a sample of the stroke, the number, what it is. */

import { element, focusable, setText, svg } from "../../dom";

export interface Key<K extends string> {
  element: HTMLElement;
  set(kind: K, number: string, what: string): void;
}

/** With `toggled`, each entry has a box to show and hide what it is the key of. */
export function key<K extends string>(kinds: readonly K[], toggled?: (kind: K, shown: boolean) => void): Key<K> {
  const entries = new Map<K, readonly [HTMLElement, HTMLElement]>();
  const items = kinds.map((kind) => {
    const number = element("strong", { class: "jdm-key-number" });
    const what = element("span", { class: "jdm-key-what" });
    entries.set(kind, [number, what]);
    const stroke = svg(
      "svg",
      { class: "jdm-key-stroke", width: 26, height: 10, "aria-hidden": "true" },
      svg("path", { class: `jdm-${kind}`, d: "M1 5H25" }),
    );
    if (!toggled) return element("span", { class: "jdm-key-entry" }, stroke, number, " ", what);
    const box = focusable("input", { type: "checkbox", class: "jdm-check", checked: true });
    box.addEventListener("change", () => toggled(kind, box.checked));
    return element("label", { class: "jdm-key-entry" }, box, stroke, number, " ", what);
  });
  return {
    element: element("div", { class: "jdm-key" }, ...items),
    set(kind, number, what) {
      const [numberNode, whatNode] = entries.get(kind) ?? [];
      if (numberNode) setText(numberNode, number);
      if (whatNode) setText(whatNode, what);
    },
  };
}
