/** Building and changing elements; everything that takes the keyboard is made by `focusable`. */

type Attributes = Record<string, string | number | boolean | undefined>;
type Child = Node | string | null;

/** A `true` attribute is present and empty, a `false` or undefined one is absent. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  return filled(document.createElement(tag), attributes, children);
}

export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): SVGElementTagNameMap[K] {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

/** JupyterLab takes arrow keys and letters away from the focused element unless that element itself says not to. */
const KEEPS_ITS_KEYS = { "data-lm-suppress-shortcuts": "true" };

export function focusable<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  return element(tag, { ...KEEPS_ITS_KEYS, ...attributes }, ...children);
}

export function focusableSvg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): SVGElementTagNameMap[K] {
  return svg(tag, { ...KEEPS_ITS_KEYS, tabindex: 0, ...attributes }, ...children);
}

/** What scrolls can be reached and moved by the keyboard. */
export function scrollable(label: string, ...children: Child[]): HTMLElement {
  return focusable("div", { class: "jdm-scroll", tabindex: 0, role: "group", "aria-label": label }, ...children);
}

/** A longer list nobody scrolls through, and the page would be slow. */
export const MOST_CHOICES = 400;

/** A labelled choice; `chosen` is told the index. */
export function chooser(label: string, choices: readonly string[], chosen: (index: number) => void) {
  const select = focusable(
    "select",
    { class: "jdm-select" },
    ...choices.slice(0, MOST_CHOICES).map((name, index) => element("option", { value: index }, name)),
    choices.length > MOST_CHOICES
      ? element("option", { disabled: true }, `… and ${(choices.length - MOST_CHOICES).toLocaleString("en-US")} more`)
      : null,
  );
  select.addEventListener("change", () => chosen(select.selectedIndex));
  return { select, element: element("label", { class: "jdm-chooser" }, `${label} `, select) };
}

export function button(label: string, pressed: () => void, attributes: Attributes = {}): HTMLButtonElement {
  const made = focusable("button", { type: "button", class: "jdm-button", ...attributes }, label);
  made.addEventListener("click", pressed);
  return made;
}

/** Writes only what has changed: an untouched node costs no layout, and a live region stays silent. */
export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

export function setAttribute(node: Element, name: string, value: string | number): void {
  const text = String(value);
  if (node.getAttribute(name) !== text) node.setAttribute(name, text);
}

export function setShown(node: Element, shown: boolean): void {
  if (shown === node.hasAttribute("hidden")) node.toggleAttribute("hidden", !shown);
}

/** Several panels share a page, and each may have loaded this module anew: a count alone is not unique. */
const load = Math.random().toString(36).slice(2, 8);
let count = 0;

export function uniqueId(name: string): string {
  count += 1;
  return `jdm-${name}-${load}-${count}`;
}

function filled<E extends Element>(made: E, attributes: Attributes, children: Child[]): E {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}
