/** The outputs of a cell in JupyterLab: whether a kept panel's widget lives in the one before it, or failed there. */

const VIEWS = '.jupyter-widgets, .jupyter-widgets-view, [data-mime-type="application/vnd.jupyter.widget-view+json"]';

/** The one right before, where this panel's widget would be; further up are those of other panels. */
export function outputBefore(node: HTMLElement): HTMLElement | null {
  const before = node.closest(".jp-OutputArea-child")?.previousElementSibling;
  return before instanceof HTMLElement && before.matches(".jp-OutputArea-child") ? before : null;
}

/** A panel that is a widget, with a kernel. */
export function hasLiveCard(output: Element | null): boolean {
  return [...(output?.querySelectorAll(".jdm-card") ?? [])].some((card) => !card.closest(".jdm-kept"));
}

/** Where a widget would be there is a sentence instead. JupyterLab's widget manager marks its view only once it has
 * failed, and never with a mime type; others do. */
export function isFailedView(child: Element): boolean {
  const output = child.querySelector(".jp-OutputArea-output");
  if (!output || child.querySelector(".jdm-card")) return false;
  if (output.querySelector(".jupyter-error-widget")) return true;
  if (output.childElementCount > 0) return false;
  return output.matches(VIEWS) || output.textContent === "Loading widget...";
}
