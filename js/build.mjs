/** Builds jaxdiff_magic/static/panel.js, one file that needs no other and no network; `--watch` builds it anew at every
 * change. */

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, context } from "esbuild";
import { stylesForBundle } from "./styles.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const options = {
  absWorkingDir: here,
  entryPoints: ["src/panel.ts"],
  outfile: join(here, "../jaxdiff_magic/static/panel.js"),
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022"],
  charset: "utf8",
  legalComments: "none",
  plugins: [stylesForBundle],
  logLevel: "info",
};

if (process.argv.includes("--watch")) await (await context(options)).watch();
else await build(options).catch(() => process.exit(1)); // esbuild has said why
