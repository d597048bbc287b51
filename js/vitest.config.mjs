/** Tests run in Node; a test of something that has a page names the environment happy-dom in its first line. */

import { defineConfig } from "vitest/config";
import { stylesForTests } from "./styles.mjs";

// Compares with a file that Python writes, so Python's tests run it.
const againstJax = "tests/against_jax.test.ts";

export default defineConfig({
  plugins: [stylesForTests],
  test: process.env.TAPE_CASES
    ? { include: [againstJax] }
    : { include: ["tests/**/*.test.ts"], exclude: [againstJax, "node_modules/**"] },
});
