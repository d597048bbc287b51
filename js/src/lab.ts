/** A JupyterLab extension, small enough to be written by hand: where a notebook was opened again and the widget's kernel
 * is gone, the panel is drawn from the state that the output holds.
 *
 * JupyterLab loads `remoteEntry.js` of a prebuilt extension and expects a module federation container at
 * `window._JUPYTERLAB[name]`; the panel itself is loaded from beside it when first needed. */

import { hasLiveCard, isFailedView, outputBefore } from "./outputs";

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
  onAfterAttach(message: unknown): void;
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
    /** null until there is a state to draw. */
    private kept: { state: unknown } | null = null;
    private unmount: (() => void) | null = null;
    private hidden: HTMLElement | null = null;
    private watch: MutationObserver | null = null;
    private timer = 0;

    constructor() {
      super({ node: document.createElement("div") });
      this.addClass("jdm-kept");
    }

    async renderModel({ data }: Data): Promise<void> {
      this.stop();
      this.kept = { state: data[MIME] };
      this.wait();
    }

    /** A cell that is scrolled out of sight is detached, maybe before its panel was drawn. */
    override onAfterAttach(message: unknown): void {
      super.onAfterAttach(message);
      if (!this.unmount) this.wait();
    }

    private wait(): void {
      window.clearTimeout(this.timer);
      const kept = this.kept;
      if (kept) this.timer = window.setTimeout(() => void this.mount(kept), PATIENCE_MS);
    }

    private async mount(kept: { state: unknown }): Promise<void> {
      const isWanted = () =>
        this.kept === kept && !this.unmount && this.node.isConnected && !hasLiveCard(outputBefore(this.node));
      if (!isWanted()) return;
      const { mountState } = (await import(/* @vite-ignore */ new URL("panel.js", here).href)) as {
        mountState(element: HTMLElement, state: unknown): () => void;
      };
      if (!isWanted()) return;
      this.unmount = mountState(this.node, kept.state);
      this.hideFailedView();
      // A slow kernel's widget may come later, and is the better panel.
      this.watch = new MutationObserver(() => {
        if (hasLiveCard(outputBefore(this.node))) this.stop();
        else this.hideFailedView();
      });
      this.watch.observe(this.node.closest(".jp-OutputArea") ?? this.node, { childList: true, subtree: true });
    }

    /** It says only that the widget is not there; once it says more, it is shown again. */
    private hideFailedView(): void {
      const before = outputBefore(this.node);
      const failed = before && isFailedView(before) ? before : null;
      if (failed === this.hidden) return;
      if (this.hidden) this.hidden.style.display = "";
      if (failed) failed.style.display = "none";
      this.hidden = failed;
    }

    private stop(): void {
      window.clearTimeout(this.timer);
      this.kept = null;
      this.watch?.disconnect();
      if (this.hidden) this.hidden.style.display = "";
      this.hidden = null;
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
