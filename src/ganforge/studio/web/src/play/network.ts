/** The drawing of one network: units under the pointer, or under the arrow keys, are shown large. */

import { el } from "../base/dom";
import { short } from "../base/numbers";
import { colours } from "../base/theme";
import { sharpen } from "../draw/plane";
import { drawNetwork, type Player, type Tile, tiles, type Unit, valuesOf } from "../draw/units";

export interface Picked {
  player: Player;
  unit: Unit;
  /** What it is, in a sentence. */
  words: string;
}

export class NetworkCanvas {
  readonly element: HTMLCanvasElement;
  private readonly scratch = document.createElement("canvas");
  private player: Player | null = null;
  private laid: Tile[] = [];
  private unit: Unit | null = null;

  constructor(private readonly name: "generator" | "discriminator", private readonly pick: (picked: Picked | null) => void) {
    this.element = el("canvas", { class: "network", role: "img", tabindex: 0, "aria-label": `The ${name}'s layers` });
    this.element.addEventListener("pointermove", (event) => {
      const box = this.element.getBoundingClientRect();
      const [x, y] = [event.clientX - box.left, event.clientY - box.top];
      this.choose(this.laid.find((tile) => x >= tile.x - 1 && x <= tile.x + tile.size + 1 &&
        y >= tile.y - 1 && y <= tile.y + tile.size + 1) ?? null);
    });
    for (const end of ["pointerleave", "blur"]) this.element.addEventListener(end, () => this.choose(null));
    this.element.addEventListener("keydown", (event) => this.key(event));
  }

  get shown(): boolean {
    return this.player !== null;
  }

  show(player: Player | null): void {
    this.player = player;
    this.element.hidden = player === null;
    if (!player) this.unit = null;
    this.draw();
    if (this.unit) this.tell();
  }

  draw(): void {
    const { player } = this;
    const sharp = player ? sharpen(this.element) : null;
    if (!player || !sharp) return;
    this.laid = tiles(player, sharp.width, sharp.height);
    drawNetwork(sharp.pen, player, this.laid, sharp.height, this.unit, colours(), this.scratch);
    this.element.setAttribute("aria-label", this.describe(player));
  }

  private describe(player: Player): string {
    const hidden = player.units.slice(1, -1);
    const few = player.shown.some((n, i) => n < (player.units[i] ?? 0));
    return `The ${this.name}'s layers: ${player.units[0]} in, ${hidden.join(", ")} units, ${player.units.at(-1)} out` +
      `${few ? "; the first units of each are drawn" : ""}. Arrow keys go from unit to unit.`;
  }

  private key(event: KeyboardEvent): void {
    const { player } = this;
    const step = ({ ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] } as
      Record<string, [number, number]>)[event.key];
    if (event.key === "Escape") this.choose(null);
    if (!player || !step) return;
    event.preventDefault();
    const here = this.unit ?? { layer: 0, index: -step[1] };
    const layer = Math.min(player.shown.length - 1, Math.max(0, here.layer + step[0]));
    const index = Math.min((player.shown[layer] ?? 1) - 1, Math.max(0, here.index + step[1]));
    this.choose({ layer, index });
  }

  private choose(unit: Unit | null): void {
    if (unit?.layer === this.unit?.layer && unit?.index === this.unit?.index) return;
    this.unit = unit && { layer: unit.layer, index: unit.index };
    this.draw();
    this.tell();
  }

  private tell(): void {
    const { player, unit } = this;
    if (!player || !unit) {
      this.pick(null);
      return;
    }
    const values = valuesOf(player, unit);
    const range = `${short(Math.min(...values))} to ${short(Math.max(...values))}`;
    this.pick({ player, unit, words: `${this.title(player, unit)}: ${range} over ${this.over(player)}.` });
  }

  private title(player: Player, unit: Unit): string {
    const last = player.units.length - 1;
    const which = `${unit.index + 1} of ${player.units[unit.layer]}`;
    if (unit.layer === 0) return `Number ${which} that enters the ${this.name}`;
    if (unit.layer < last) return `Unit ${which} in layer ${unit.layer} of the ${this.name}`;
    return this.name === "generator" ? `Number ${which} of the sample` : "The discriminator’s logit";
  }

  private over(player: Player): string {
    const plane = player.bounds.length === 4;
    if (this.name === "discriminator") return "the data’s space";
    if (!plane) return "the noise z";
    return (player.units[0] ?? 0) > 2 ? "the first two numbers of noise, the others 0" : "the noise z₁, z₂";
  }
}
