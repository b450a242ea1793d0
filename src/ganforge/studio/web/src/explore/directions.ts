/** Directions: what each does to the picture on the easel, from one end to the other, and what changes with it. */

import { el, fill, fresh } from "../base/dom";
import type { Latent } from "../base/protocol";
import type { Desk } from "./desk";
import { finder } from "./finder";
import { exploreCommand, plainSeed, takeButton } from "./save";
import { Sheet, type Tool } from "./sheets";

const STEPS = [-1, -0.5, 0, 0.5, 1];
const LAYERS: readonly [string, string][] = [["all", "all layers"], ["coarse", "coarse layers"], ["fine", "fine layers"]];

export function directionsTool(desk: Desk): Tool {
  const rows = el("div", { class: "stack" });
  const sheets = new Map<string, Sheet>();
  const id = fresh("layers");
  const layers = el("select", { id, name: "layers", onchange: () => draw() },
    ...LAYERS.map(([value, words]) => el("option", { value }, words)));
  const at = (name: string, amount: number): Latent => {
    const base = desk.present;
    const there: Latent = { moved: base, by: [{ direction: name, amount }] };
    return layers.value === "all" ? there : { mixed: layers.value === "coarse" ? [there, base] : [base, there] };
  };
  const draw = (): void => {
    if (rows.offsetParent === null) return;
    for (const { name, reach } of desk.directions) {
      sheets.get(name)?.make(STEPS.map((step) => at(name, step * reach)), (i) => ((STEPS[i] ?? 0) * reach).toFixed(1));
    }
  };
  const list = (): void => {
    sheets.clear();
    fill(rows, desk.directions.length === 0 ? finder(desk) : null,
      ...desk.directions.map(({ name, words, reach }) => {
        const sheet = new Sheet(desk, `direction-${name}`, `Along ${name}`);
        sheet.element.classList.add("five");
        sheets.set(name, sheet);
        return el("div", { class: "stack" }, el("h3", {}, name, el("span", { class: "small quiet" }, ` ${words}`)), sheet.element,
          el("div", { class: "row" }, takeButton(desk, () => {
            const latents = STEPS.map((step) => at(name, step * reach));
            const seed = plainSeed(desk.present);
            return { stem: `${desk.opened.name}-${name}`, request: { latents, class: desk.chosenClass },
              ...(layers.value === "all" ? { ends: { latents: [at(name, -reach), at(name, reach)], class: desk.chosenClass } } : {}),
              command: seed === null || desk.chosenClass !== null ? null : exploreCommand(desk, "directions", "--seeds", seed) };
          }, `take-${name}`)));
      }));
    draw();
  };
  desk.on("directions", list);
  list();
  return {
    element: el("div", { class: "stack" },
      el("p", { class: "small quiet" }, "The picture on the easel, led along each direction. The words say what else moves: what has several is entangled."),
      desk.opened.can["mix"] ? null : el("div", { class: "row" }, el("label", { for: id, class: "small" }, "applied to"), layers),
      rows),
    redraw: draw,
  };
}
