/** What was found in the function: how grave, where, what it means, and the cure. */

import { copyable } from "../copying";
import { element } from "../dom";
import type { Model, View } from "../host";
import { SEVERITIES } from "../outcomes";
import type { Finding } from "../wire";
import { words } from "../words";
import { closedForm } from "./closed_form";

const ORDER: readonly Finding["severity"][] = ["error", "warning", "info"];

export function findingsView(model: Model): View {
  const { findings, findings_left_out: more } = model.state;
  const sorted = [...findings].sort((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity));
  const grave = sorted.filter((finding) => finding.severity !== "info").length;
  const [mark] = SEVERITIES[sorted[0]?.severity ?? "info"];
  return {
    title: grave > 0 ? `Findings (${mark} ${grave})` : sorted.length > 0 ? `Findings (${sorted.length})` : "Findings",
    element: element(
      "div",
      { class: "jdm-view" },
      sorted.length === 0 ? element("p", { class: "jdm-note" }, "Nothing was found to warn about.") : null,
      sorted.length === 0 ? null : element("ul", { class: "jdm-findings" }, ...sorted.map(item)),
      more === 0
        ? null
        : element(
            "p",
            { class: "jdm-note" },
            `${more.toLocaleString("en-US")} more are left out; none of them is graver.`,
          ),
    ),
    update() {}, // findings are about the report's point
  };
}

function item(finding: Finding): HTMLElement {
  const [mark, tone] = SEVERITIES[finding.severity];
  const place = [finding.path, finding.where].filter((part) => part !== "").join(" at ");
  return element(
    "li",
    { class: "jdm-finding", "data-jdm-tone": tone },
    element(
      "p",
      { class: "jdm-finding-head" },
      element("strong", {}, `${mark} ${finding.severity}`),
      ` · ${finding.kind}`,
      place === "" ? null : element("span", { class: "jdm-mono" }, ` · ${place}`),
    ),
    element("p", {}, words(finding.message)),
    finding.formula === "" ? null : closedForm(finding.formula),
    finding.cure === "" ? null : element("p", {}, "→ ", words(finding.cure)),
    ...codeIn(finding.cure).map((code) => copyable(code)),
  );
}

/** The pieces of code in a cure that are worth copying: a name alone is not. */
function codeIn(cure: string): string[] {
  const parts = cure.split("`");
  return parts.filter((part, k) => k % 2 === 1 && parts.length % 2 === 1 && /[(=.]/.test(part));
}
