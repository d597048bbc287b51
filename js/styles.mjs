/** The style sheets as modules that export text: the bundle and the tests both load them from here.
 *
 * styles:faces has the @font-face rules of the KaTeX faces that formulas here use, with the fonts in them; styles:card
 * KaTeX's rules, made to hold only inside a card, and then the card's own. */

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { transformSync } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const katex = join(here, "node_modules/katex/dist");
const FACES = [
  "AMS-Regular",
  "Main-Bold",
  "Main-Italic",
  "Main-Regular",
  "Math-Italic",
  "Size1-Regular",
  "Size2-Regular",
  "Size3-Regular",
  "Size4-Regular",
];

function face(name) {
  const [family, style] = name.split("-");
  const font = readFileSync(join(katex, `fonts/KaTeX_${name}.woff2`)).toString("base64");
  return `@font-face{font-family:KaTeX_${family};font-style:${style === "Italic" ? "italic" : "normal"};font-weight:${
    style === "Bold" ? 700 : 400
  };font-display:block;src:url(data:font/woff2;base64,${font}) format("woff2")}`;
}

function cardRules() {
  const rules = readFileSync(join(katex, "katex.min.css"), "utf8")
    .replace(/@font-face\s*\{[^}]*\}/g, "")
    .replace(/(^|\})body\s*\{[^}]*\}/g, "$1");
  const folder = join(here, "src/styles");
  const own = readdirSync(folder)
    .filter((file) => file.endsWith(".css"))
    .sort()
    .map((file) => readFileSync(join(folder, file), "utf8"));
  const css = [`.jdm-card{${rules}}`, ...own].join("\n");
  return transformSync(css, { loader: "css", minify: true, target: ["chrome100", "firefox100", "safari15"] }).code;
}

const sheets = { "styles:faces": () => FACES.map(face).join(""), "styles:card": cardRules };

/** For esbuild. */
export const stylesForBundle = {
  name: "styles",
  setup(build) {
    build.onResolve({ filter: /^styles:/ }, ({ path }) => ({ path, namespace: "styles" }));
    build.onLoad({ filter: /.*/, namespace: "styles" }, ({ path }) => ({
      contents: sheets[path](),
      loader: "text",
      watchDirs: [join(here, "src/styles")],
    }));
  },
};

/** For vitest. */
export const stylesForTests = {
  name: "styles",
  enforce: "pre",
  resolveId: (id) => (id in sheets ? `\0${id}` : null),
  load: (id) => (id.slice(1) in sheets ? `export default ${JSON.stringify(sheets[id.slice(1)]())}` : null),
};
