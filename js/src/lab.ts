/** A JupyterLab extension, small enough to be written by hand: where a notebook was opened again and the widget's kernel
 * is gone, the panel is drawn from the state that the output holds.
 *
 * JupyterLab loads `remoteEntry.js` of a prebuilt extension and expects a module federation container at
 * `window._JUPYTERLAB[name]`; the panel itself is loaded from beside it when first needed. */

import type { PanelState } from "./wire";

const NAME = "jaxdiff-magic";
const MIME = "application/vnd.jaxdiff-magic.panel+json";
/** The widget, where there is one, has come by then. */
const PATIENCE_MS = 1500;

interface Data {
  data: Record<string, unknown>;
}

/** The part of Lumino that is needed here. */
type WidgetClass = new (options: {
  node: HTMLElement;
}) => {
  node: HTMLElement;
  addClass(name: string): void;
  dispose(): void;
};
type Shared = Record<string, Record<string, { get(): Promise<() => unknown> }>>;

const here = (document.currentScript as HTMLScriptElement).src;
let shared: Shared = {};

async function lumino(): Promise<WidgetClass> {
  const [version] = Object.values(shared["@lumino/widgets"] ?? {});
  if (!version) throw new Error("JupyterLab shares no @lumino/widgets");
  return ((await version.get())() as { Widget: WidgetClass }).Widget;
}

function rendererOf(Widget: WidgetClass) {
  return class extends Widget {
    private unmount: (() => void) | null = null;
    private watch: MutationObserver | null = null;
    private timer = 0;

    constructor() {
      super({ node: document.createElement("div") });
      this.addClass("jdm-kept");
    }

    async renderModel({ data }: Data): Promise<void> {
      this.stop();
      const state = data[MIME] as PanelState;
      this.timer = window.setTimeout(() => void this.mount(state), PATIENCE_MS);
    }

    private async mount(state: PanelState): Promise<void> {
      const live = () => liveCard(this.node) !== null;
      if (live() || !this.node.isConnected) return;
      const { mountState } = (await import(/* @vite-ignore */ new URL("panel.js", here).href)) as {
        mountState(element: HTMLElement, state: PanelState): () => void;
      };
      if (live()) return;
      this.unmount = mountState(this.node, state);
      hideWhatFailed(this.node, true);
      // A slow kernel's widget may come later, and is the better panel.
      this.watch = new MutationObserver(() => {
        if (live()) this.stop();
      });
      this.watch.observe(outputsOf(this.node) ?? this.node, { childList: true, subtree: true });
    }

    private stop(): void {
      window.clearTimeout(this.timer);
      this.watch?.disconnect();
      if (this.unmount) hideWhatFailed(this.node, false);
      this.unmount?.();
      this.unmount = null;
      this.node.replaceChildren();
    }

    override dispose(): void {
      this.stop();
      super.dispose();
    }
  };
}

function outputsOf(node: HTMLElement): Element | null {
  return node.closest(".jp-OutputArea");
}

/** A panel among the same cell's outputs that is a widget, with a kernel. */
function liveCard(node: HTMLElement): Element | null {
  const cards = outputsOf(node)?.querySelectorAll(".jdm-card") ?? [];
  return [...cards].find((card) => !node.contains(card)) ?? null;
}

/** The output before this one, where the widget would be, says only that it is not there. */
function hideWhatFailed(node: HTMLElement, hidden: boolean): void {
  const before = node.closest(".jp-OutputArea-child")?.previousElementSibling;
  if (before instanceof HTMLElement && before.querySelector(".jdm-card") === null)
    before.style.display = hidden ? "none" : "";
}

const container = {
  init(scope: Shared): void {
    shared = scope;
  },
  async get(): Promise<() => unknown> {
    const Renderer = rendererOf(await lumino());
    const extension = {
      id: `${NAME}:panel`,
      rendererFactory: { safe: true, mimeTypes: [MIME], createRenderer: () => new Renderer() },
      rank: 0,
      dataType: "json",
    };
    return () => ({ default: extension, __esModule: true });
  },
};

declare global {
  interface Window {
    _JUPYTERLAB?: Record<string, unknown>;
  }
}
window._JUPYTERLAB = { ...window._JUPYTERLAB, [NAME]: container };
