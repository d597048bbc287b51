/** Builds jaxdiff_magic/static/panel.js, one file that needs no other and no network, and in `lab` the JupyterLab
 * extension that draws a panel whose kernel is gone; `--watch` builds the panel anew at every change. */

import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, context } from "esbuild";
import { stylesForBundle } from "./styles.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "../jaxdiff_magic/static");
const lab = join(here, "lab");
const common = {
  absWorkingDir: here,
  bundle: true,
  minify: true,
  target: ["es2022"],
  charset: "utf8",
  legalComments: "none",
  plugins: [stylesForBundle],
  logLevel: "info",
};
const panel = { ...common, entryPoints: ["src/panel.ts"], outfile: join(out, "panel.js"), format: "esm" };
const entry = { ...common, entryPoints: ["src/lab.ts"], outfile: join(lab, "static/remoteEntry.js"), format: "iife" };

if (process.argv.includes("--watch")) await (await context(panel)).watch();
else {
  await Promise.all([build(panel), build(entry)]).catch(() => process.exit(1)); // esbuild has said why
  await mkdir(join(lab, "static"), { recursive: true });
  await copyFile(panel.outfile, join(lab, "static/panel.js"));
  const { description, license } = JSON.parse(await readFile(join(here, "package.json"), "utf-8"));
  const jupyterlab = { mimeExtension: true, _build: { load: "static/remoteEntry.js", mimeExtension: "./panel" } };
  const source = await readFile(join(here, "../jaxdiff_magic/__init__.py"), "utf-8");
  const [, version] = source.match(/^__version__ = "(.*)"$/m);
  const manifest = { name: "jaxdiff-magic", version, description, license, jupyterlab };
  await writeFile(join(lab, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
}
