/** Light or dark, seen from what is really behind the card: hosts agree on no other sign.
 *
 * JupyterLab has variables, VS Code others, an exported page none, marimo a shadow root. All of them have a background.
 */

type Rgb = readonly [number, number, number];

/** Sets `data-jdm-theme` on `root` and keeps it right; returns what ends that. */
export function followTheme(root: HTMLElement): () => void {
  let later: ReturnType<typeof setTimeout> | undefined;
  const look = () => {
    const theme = isDark(root) ? "dark" : "light";
    if (root.dataset.jdmTheme !== theme) root.dataset.jdmTheme = theme;
  };
  // A theme's style sheet is loaded after the page has announced it: look at once, and again when it has settled.
  const changed = () => {
    look();
    clearTimeout(later);
    later = setTimeout(look, 400);
  };
  const observer = new MutationObserver(changed);
  const attributes = { attributes: true, attributeFilter: ["class", "style", "data-jp-theme-light", "data-theme"] };
  observer.observe(document.documentElement, attributes);
  observer.observe(document.body, attributes);
  const preference = matchMedia("(prefers-color-scheme: dark)");
  preference.addEventListener("change", changed);
  look();
  // The card is built before it stands in the page.
  later = setTimeout(look, 0);
  return () => {
    clearTimeout(later);
    observer.disconnect();
    preference.removeEventListener("change", changed);
  };
}

function isDark(root: HTMLElement): boolean {
  for (let node: Element | null = root; node !== null; node = parent(node)) {
    const background = rgb(getComputedStyle(node).backgroundColor);
    if (background) return luminance(background) < 0.4;
  }
  // Nothing is painted behind the card: then what is written around it tells, light letters or dark ones.
  const ink = rgb(getComputedStyle(root.parentElement ?? root).color);
  return ink ? luminance(ink) > 0.6 : matchMedia("(prefers-color-scheme: dark)").matches;
}

function parent(node: Element): Element | null {
  if (node.parentElement) return node.parentElement;
  const root = node.getRootNode();
  return root instanceof ShadowRoot ? root.host : null;
}

/** Null for a colour that lets most of what is behind it through. */
function rgb(colour: string): Rgb | null {
  const [red, green, blue, alpha = 1] = (colour.match(/[\d.]+/g) ?? []).map(Number);
  if (red === undefined || green === undefined || blue === undefined || alpha < 0.5) return null;
  return [red, green, blue];
}

function luminance([red, green, blue]: Rgb): number {
  return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255;
}
