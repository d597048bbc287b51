/** Tabs after the WAI-ARIA pattern: one stop for the Tab key, arrow keys move, a panel is drawn when it is shown. */

import { element, focusable, setShown, uniqueId } from "../dom";
import type { Snapshot, View } from "../host";

export function tabs(label: string, views: readonly View[], current: () => Snapshot) {
  const panels = views.map((view, k) => {
    const panel = focusable("div", { class: "jdm-panel", role: "tabpanel", tabindex: 0, id: uniqueId("panel") });
    panel.append(view.element);
    panel.hidden = k > 0;
    return panel;
  });
  const made = views.map((view, k) => {
    const tab = focusable(
      "button",
      { type: "button", class: "jdm-tab", role: "tab", id: uniqueId("tab"), "aria-controls": panels[k]?.id },
      view.title,
    );
    panels[k]?.setAttribute("aria-labelledby", tab.id);
    tab.addEventListener("click", () => show(k));
    tab.addEventListener("keydown", (event) => {
      const last = views.length - 1;
      const moves: Record<string, number> = {
        ArrowRight: k === last ? 0 : k + 1,
        ArrowLeft: k === 0 ? last : k - 1,
        Home: 0,
        End: last,
      };
      const next = moves[event.key];
      if (next === undefined) return;
      event.preventDefault();
      show(next);
      made[next]?.focus();
    });
    return tab;
  });
  let shown = 0;

  const show = (k: number) => {
    shown = k;
    made.forEach((tab, j) => {
      tab.setAttribute("aria-selected", String(j === k));
      tab.tabIndex = j === k ? 0 : -1;
    });
    panels.forEach((panel, j) => {
      setShown(panel, j === k);
    });
    // The panel that was hidden has missed the moves since.
    views[k]?.update(current());
  };
  show(0);

  return {
    element: element(
      "div",
      { class: "jdm-tabs" },
      element("div", { class: "jdm-tablist", role: "tablist", "aria-label": label }, ...made),
      ...panels,
    ),
    update: (snapshot: Snapshot) => views[shown]?.update(snapshot),
  };
}
