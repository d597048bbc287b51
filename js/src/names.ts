/** What derivatives are called: `∂f/∂x[0]`, `∂²f/∂x[0]∂x[1]`; the bare output for the value itself. */

import { superscript } from "./numbers";

export function derivativeName(output: string, inputs: readonly string[]): string {
  if (inputs.length === 0) return output;
  const [first, second] = inputs;
  if (inputs.length === 2 && first === second) return `∂²${output}/∂${first}²`;
  const power = inputs.length === 1 ? "" : superscript(inputs.length);
  return `∂${power}${output}/${inputs.map((name) => `∂${name}`).join("")}`;
}
