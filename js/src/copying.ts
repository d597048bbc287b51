/** A piece of code with a button that copies it and says whether that worked. */

import { button, element, focusable, scrollable, setText } from "./dom";

export function copyable(code: string, label = "Copy"): HTMLElement {
  const said = element("span", { class: "jdm-said", role: "status" });
  const press = button(label, async () => {
    const copied = await copy(code, block);
    setText(said, copied ? "✓ copied" : "Not copied: select the code and copy it by hand.");
    setTimeout(() => setText(said, ""), 4000);
  });
  const block = scrollable("code", element("code", { class: "jdm-code" }, code));
  block.classList.add("jdm-call");
  return element("div", { class: "jdm-copyable" }, block, element("div", { class: "jdm-row" }, press, said));
}

/** The clipboard is missing on pages without https, and refuses in some frames: then the page's own copy command. */
async function copy(text: string, near: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = focusable("textarea", { class: "jdm-offscreen", "aria-hidden": "true", tabindex: -1 });
    area.value = text;
    near.append(area);
    area.select();
    try {
      return document.execCommand("copy");
    } catch {
      return false;
    } finally {
      area.remove();
    }
  }
}
