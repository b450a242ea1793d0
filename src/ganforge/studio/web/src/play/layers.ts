/** The layers of each view, their words, and which of them are on. */

import type { Colours } from "../base/theme";

export interface Layer {
  name: string;
  title: string;
  colour: keyof Pick<Colours, "real" | "generated" | "discriminator" | "optimal" | "arrow" | "good">;
  shape: "ring" | "dot" | "line" | "dash" | "heat" | "grid" | "arrow";
  on: boolean;
  /** What the server is asked for; null where the layer needs nothing of its own. */
  asks: string[];
}

export const LINE_LAYERS: readonly Layer[] = [
  { name: "data", title: "data, p_data", colour: "real", shape: "line", on: true, asks: [] },
  { name: "generated", title: "generator, p_g", colour: "generated", shape: "line", on: true, asks: ["p_g"] },
  { name: "discriminator", title: "discriminator, D(x)", colour: "discriminator", shape: "line", on: true, asks: ["d"] },
  { name: "optimal", title: "best possible, D*\u2060(x)", colour: "optimal", shape: "dash", on: true, asks: ["best"] },
  { name: "half", title: "the goal, ½", colour: "good", shape: "dash", on: true, asks: [] },
  { name: "arrows", title: "pushes on the generator", colour: "arrow", shape: "arrow", on: true,
    asks: ["arrows", "generated"] },
  { name: "map", title: "latents to samples", colour: "generated", shape: "grid", on: true, asks: ["map"] },
];

export const PLANE_LAYERS: readonly Layer[] = [
  { name: "real", title: "real points", colour: "real", shape: "ring", on: true, asks: [] },
  { name: "generated", title: "generated points", colour: "generated", shape: "dot", on: true, asks: ["generated"] },
  { name: "heat", title: "discriminator’s heat map", colour: "discriminator", shape: "heat", on: true, asks: ["heat"] },
  { name: "grid", title: "generator’s warped grid", colour: "generated", shape: "grid", on: false, asks: ["grid"] },
  { name: "arrows", title: "pushes on the generator", colour: "arrow", shape: "arrow", on: true,
    asks: ["arrows", "generated"] },
];

/** Those that a view has; a grid of noise can be drawn of one or two numbers only, its strings of one. */
export function layersOf(view: string, latent: number): readonly Layer[] {
  if (view === "line") return LINE_LAYERS.filter((layer) => layer.name !== "map" || latent === 1);
  return view === "plane" ? PLANE_LAYERS.filter((layer) => layer.name !== "grid" || latent <= 2) : [];
}

export function asked(view: string, latent: number, on: ReadonlySet<string>): string[] {
  if (view === "pictures") return ["generated", "logits"];
  const names = layersOf(view, latent).filter((layer) => on.has(layer.name)).flatMap((layer) => layer.asks);
  return [...new Set(names)];
}
