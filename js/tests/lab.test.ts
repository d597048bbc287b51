// @vitest-environment happy-dom
/** Panels in a notebook that was opened again: drawn once each, where no widget is, and nothing else hidden. */

import { beforeAll, beforeEach, expect, test, vi } from "vitest";
import { cubicState } from "./states";

const MIME = "application/vnd.jaxdiff-magic.panel+json";

/** What the tests need of Lumino's. */
class Widget {
  node: HTMLElement;
  constructor({ node }: { node: HTMLElement }) {
    this.node = node;
  }
  addClass(name: string): void {
    this.node.classList.add(name);
  }
  onAfterAttach(): void {}
  dispose(): void {}
}
interface Renderer extends Widget {
  renderModel(model: { data: Record<string, unknown> }): Promise<void>;
}
let createRenderer: () => Renderer;

beforeAll(async () => {
  // The panel is found beside the script.
  const src = import.meta.url.replace("tests/lab.test.ts", "src/remoteEntry.js");
  Object.defineProperty(document, "currentScript", { value: { src }, configurable: true });
  await import("../src/lab");
  const container = window._JUPYTERLAB!["jaxdiff-magic"] as {
    init(shared: unknown): void;
    get(): Promise<() => { default: { rendererFactory: { createRenderer: () => Renderer } } }>;
  };
  container.init({ "@lumino/widgets": { "2.0.0": { get: async () => () => ({ Widget }) } } });
  createRenderer = (await container.get())().default.rendererFactory.createRenderer;
});

beforeEach(() => {
  document.body.innerHTML = '<div class="jp-OutputArea"></div>';
});

const FAILED = '<div class="jp-OutputArea-output jupyter-widgets">Error displaying widget: model not found</div>';
const LIVE = '<div class="jp-OutputArea-output"><div class="jupyter-widgets"><div class="jdm-card"></div></div></div>';

function output(content: string | Node): HTMLElement {
  const child = document.createElement("div");
  child.className = "jp-OutputArea-child";
  if (typeof content === "string") child.innerHTML = content;
  else child.append(content);
  document.querySelector(".jp-OutputArea")!.append(child);
  return child;
}

function keep(): Renderer {
  const renderer = createRenderer();
  void renderer.renderModel({ data: { [MIME]: cubicState() } });
  return renderer;
}

const drawn = (renderer: Renderer) => renderer.node.querySelector(".jdm-card") !== null;
const untilDrawn = (...renderers: Renderer[]) =>
  vi.waitFor(() => expect(renderers.map(drawn)).toEqual(renderers.map(() => true)), { timeout: 5000 });
const patience = () => new Promise((resolve) => setTimeout(resolve, 1800));

test("two reports in one cell are both drawn, in place of the views that failed", async () => {
  const views: HTMLElement[] = [];
  const kept = [1, 2].map(() => {
    views.push(output(FAILED));
    const renderer = keep();
    output(renderer.node);
    return renderer;
  });
  await untilDrawn(...kept);
  expect(views.map((view) => view.style.display)).toEqual(["none", "none"]);
  kept[0]!.dispose();
  expect([views.map((view) => view.style.display), kept.map(drawn)]).toEqual([
    ["", "none"],
    [false, true],
  ]);
}, 20000);

test("somebody's own output before it stays, and a live widget before it is enough", async () => {
  const own = output('<div class="jp-OutputArea-output" data-mime-type="text/plain"><pre>3.0</pre></div>');
  const slider = '<div class="jp-OutputArea-output"><div class="jupyter-widgets widget-slider"></div></div>';
  const first = keep();
  output(first.node);
  const alive = output(slider);
  const second = keep();
  output(second.node);
  output(LIVE);
  const third = keep();
  output(third.node);
  await untilDrawn(first, second);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect([own.style.display, alive.style.display, drawn(third)]).toEqual(["", "", false]);
}, 20000);

test("a widget that comes late takes the place of the kept panel", async () => {
  const view = output('<div class="jp-OutputArea-output">Loading widget...</div>');
  const kept = keep();
  output(kept.node);
  await untilDrawn(kept);
  expect(view.style.display).toBe("none");
  view.innerHTML = LIVE;
  await vi.waitFor(() => expect([drawn(kept), view.style.display]).toEqual([false, ""]));
}, 20000);

test("what was out of sight when its time came is drawn once it is back", async () => {
  const kept = keep();
  await patience();
  expect(drawn(kept)).toBe(false);
  output(kept.node);
  kept.onAfterAttach();
  await untilDrawn(kept);
}, 20000);
