/** Formulas as elements, and the style sheets that they and the card need. */

import cardRules from "styles:card";
import faces from "styles:faces";
import katex from "katex";

/** A longer formula would keep the page waiting. */
const MOST_CHARACTERS = 20_000;

/** What KaTeX cannot read is shown as it is written, in red; of what is too long or too deep, how long it is. */
export function typeset(latex: string, display = false): HTMLElement {
  const formula = document.createElement("span");
  try {
    if (latex.length > MOST_CHARACTERS) throw new RangeError("too long");
    // Not katex.render, which throws in pages without a doctype; what this string contains, KaTeX has escaped.
    formula.innerHTML = katex.renderToString(latex, {
      displayMode: display,
      throwOnError: false,
      output: "htmlAndMathml",
      strict: "ignore",
      trust: false,
      // No formula may cover the page, or expand for ever.
      maxSize: 20,
      maxExpand: 1000,
    });
  } catch {
    // Also where braces stand in one another deeper than the browser's stack is.
    formula.textContent = `a formula of ${latex.length.toLocaleString("en-US")} characters, too much to draw`;
  }
  return formula;
}

/** Once a page, or once for each shadow root; @font-face has no effect inside one, so the faces always go to the page. */
export function installStyles(element: HTMLElement): void {
  install(document.head, "jdm-faces", faces);
  const root = element.getRootNode();
  install(root instanceof ShadowRoot ? root : document.head, "jdm-styles", cardRules);
}

/** Where two versions of the panel are on one page, the last one that came has its rules last. */
function install(root: HTMLElement | ShadowRoot, id: string, css: string): void {
  const found = root.querySelector(`style#${id}`);
  if (found?.textContent === css) return;
  const style = document.createElement("style");
  style.id = id;
  style.textContent = css;
  found?.remove();
  root.append(style);
}
