/** The legend is the switchboard: each entry shows how its layer is drawn, and turns it on and off. */

import { el } from "../base/dom";
import type { Layer } from "./layers";

export function legend(layers: readonly Layer[], on: Set<string>, changed: () => void): HTMLElement {
  const entries = layers.map((layer) => {
    const entry = el("button", {
      type: "button", class: "entry", "data-layer": layer.name, "aria-pressed": String(on.has(layer.name)),
      onclick: () => {
        if (on.has(layer.name)) on.delete(layer.name);
        else on.add(layer.name);
        entry.setAttribute("aria-pressed", String(on.has(layer.name)));
        changed();
      },
    }, el("i", { class: `swatch ${layer.shape}`, style: `--tone: var(--${layer.colour})` }), layer.title);
    return entry;
  });
  return el("div", { class: "legend", role: "group", "aria-label": "Layers of the picture" }, ...entries);
}
