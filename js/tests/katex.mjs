/** Which of the formulas in a file KaTeX refuses: JSON of their names, with what it says; as strict as it can be. */

import { readFileSync } from "node:fs";
import katex from "katex";

const refused = {};
for (const [name, latex] of JSON.parse(readFileSync(process.argv[2], "utf8"))) {
  try {
    katex.renderToString(latex, {
      displayMode: true,
      throwOnError: true,
      strict: "error",
      trust: false,
      maxSize: 20,
      maxExpand: 1000,
    });
  } catch (error) {
    refused[name] = `${error.message} in ${latex}`;
  }
}
process.stdout.write(JSON.stringify(refused));
