/** Tests run in Node; a test of something that has a page names the environment happy-dom in its first line. */

import { defineConfig } from "vitest/config";
import { stylesForTests } from "./styles.mjs";

export default defineConfig({
  plugins: [stylesForTests],
  test: { include: ["tests/**/*.test.ts"] },
});
