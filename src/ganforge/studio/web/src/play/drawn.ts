/** The game, drawn: noise, both networks, samples, losses, and the gradients that come back. */

import { el, say } from "../base/dom";
import { clamp, short } from "../base/numbers";
import type { Stage, Standing } from "../base/protocol";
import { colours, onTheme } from "../base/theme";
import { sharpen } from "../draw/plane";
import { bars, dots, gallery, numbers } from "../draw/thumbs";
import type { Player } from "../draw/units";
import { NetworkCanvas, type Picked } from "./network";
import { type PartName, PARTS } from "./parts";
import { array, type Frame, type Session } from "./session";

const POINT = "Point at a part to read what it is, or at a unit to see what it responds to.";
const SELDOM = 400;  // milliseconds between two of small pictures, while the game is played
const LATER = 280;  // milliseconds between two parts that light up
const NARROW = matchMedia("(max-width: 1100px)");

/** Thickness of a gradient's arrow: each tenfold of its norm is as much again. */
function thickness(norm: number | null): number {
  return norm === null || norm <= 0 ? 0 : clamp(8 + 2.5 * Math.log10(norm), 1, 14);
}

export class GameDrawing {
  readonly element: HTMLDetailsElement;
  private readonly parts = new Map<string, HTMLElement>();
  private readonly says = el("p", { class: "says small quiet", role: "status" }, POINT);
  private readonly thumbs: Record<"noise" | "generated" | "real", HTMLCanvasElement>;
  private readonly networks: Record<"generator" | "discriminator", NetworkCanvas>;
  private readonly values = new Map<string, HTMLElement>();
  private readonly scratch = document.createElement("canvas");
  private readonly stops: (() => void)[] = [];
  /** Numbers of the round that slow motion is in. */
  private readonly held = new Map<string, number>();
  private lighting: number[] = [];
  /** Whether the person wants it open; null where nothing was said. */
  private wish: boolean | null = null;
  private pictured = 0;
  private enough = true;

  constructor(private readonly session: Session, private readonly enlarge: (picked: Picked | null) => void) {
    const thumb = (name: string): HTMLCanvasElement => el("canvas", { class: "thumb", "aria-hidden": "true", "data-thumb": name });
    this.thumbs = { noise: thumb("noise"), generated: thumb("generated"), real: thumb("real") };
    const network = (name: "generator" | "discriminator"): NetworkCanvas => new NetworkCanvas(name, (picked) => this.pick(picked));
    this.networks = { generator: network("generator"), discriminator: network("discriminator") };
    const lane = (name: PartName): HTMLElement => this.part(name, el("i", { class: "bar" }), this.value(name), el("i", { class: "bar" }));
    const to = (): HTMLElement => el("i", { class: "to", "aria-hidden": "true" });
    this.element = el("details", { class: "drawn card", open: !NARROW.matches },
      el("summary", { onclick: () => {
        this.wish = !this.element.open;
      } }, "The game, drawn"), this.says,
      el("div", { class: "flow" },
        this.part("noise", this.thumbs.noise, this.value("noise")), to(),
        this.part("generator", this.networks.generator.element, this.value("generator")), to(),
        el("div", { class: "column" }, this.part("generated", this.thumbs.generated), this.part("real", this.thumbs.real)), to(),
        this.part("discriminator", this.networks.discriminator.element, this.value("discriminator")), to(),
        el("div", { class: "column" }, this.part("verdict", this.meter("real"), this.meter("fake")),
          this.part("discriminator_loss", this.value("discriminator_loss")),
          this.part("generator_loss", this.value("generator_loss"))),
        lane("discriminator_gradient"), lane("generator_gradient")));
    this.element.addEventListener("toggle", () => this.ask());
    const seen = new ResizeObserver(() => this.paint());
    for (const canvas of this.element.querySelectorAll("canvas")) seen.observe(canvas);
    const width = (): void => this.room(this.enough);
    NARROW.addEventListener("change", width);
    this.stops.push(
      () => seen.disconnect(), () => NARROW.removeEventListener("change", width),
      onTheme(() => this.paint()),
      session.on("scene", () => this.begin()),
      session.on("standing", (standing) => this.stand(standing)),
      session.on("frame", (frame) => this.show(frame)),
      session.on("stage", (stage) => this.light(stage)),
    );
  }

  close(): void {
    this.dark();
    for (const stop of this.stops) stop();
  }

  /** It is folded where there is no room for it beside the picture, until it is opened. */
  room(enough: boolean): void {
    this.enough = enough;
    this.element.open = enough && !NARROW.matches && this.wish !== false;
  }

  // What it is made of -------------------------------------------------------------------------------------

  private part(name: PartName, ...inner: Node[]): HTMLElement {
    const { title, words } = PARTS[name];
    const made = el("div", { class: "part", "data-part": name, role: "group", tabindex: 0, "aria-label": `${title}. ${words}` },
      el("span", { class: "title" }, title), ...inner);
    const tell = (): void => say(this.says, words);
    const still = (): void => say(this.says, POINT);
    made.addEventListener("pointerenter", tell);
    made.addEventListener("focus", tell);
    made.addEventListener("pointerleave", still);
    made.addEventListener("blur", still);
    this.parts.set(name, made);
    return made;
  }

  private value(name: string): HTMLElement {
    const made = el("span", { class: "value", "data-value": name }, "–");
    this.values.set(name, made);
    return made;
  }

  private meter(of: "real" | "fake"): HTMLElement {
    return el("span", { class: `meter ${of}` }, el("span", {}, of === "real" ? "reals" : "fakes"), el("i", {}, el("b", {})), this.value(`d_${of}`));
  }

  // What it shows ------------------------------------------------------------------------------------------

  private begin(): void {
    for (const one of Object.values(this.networks)) one.show(null);
    for (const name of this.values.keys()) this.label(name, "–");
    this.dark();
    this.paint();
    this.ask();
  }

  /** What a standing tells of the players. */
  private stand(standing: Standing): void {
    const { latent, prior } = standing.recipe;
    this.label("noise", `${String(latent)}, ${String(prior)}`);
    for (const name of ["generator", "discriminator"] as const) {
      if (!this.networks[name].shown) this.label(name, `${standing[`${name}_parameters`].toLocaleString("en-GB")} parameters`);
    }
  }

  private get scene(): Session["scene"] {
    return this.session.scene;
  }

  private ask(): void {
    this.session.watch({ networks: this.element.open });
  }

  private show(frame: Frame): void {
    if (!this.element.open) return;
    const { numbers: told, networks, playing } = frame.header;
    if (playing) this.dark();
    for (const name of ["discriminator_loss", "generator_loss", "discriminator_gradient", "generator_gradient", "d_real", "d_fake"]) {
      this.number(name, this.held.get(name) ?? told[name] ?? null);
    }
    if (!networks) {
      if (this.scene?.header.view === "pictures" && performance.now() - this.pictured > SELDOM) this.thumb("generated");
      return;
    }
    for (const name of ["generator", "discriminator"] as const) {
      const [maps, weights] = [array(frame, `${name}_maps`)?.data, array(frame, `${name}_weights`)?.data];
      if (!(maps instanceof Float32Array) || !(weights instanceof Float32Array)) continue;
      const player: Player = { ...networks[name], over: name === "generator" ? "noise" : "real", maps, weights };
      this.networks[name].show(player);
      this.layers(name, player);
    }
    this.thumb("generated");
  }

  /** Whether only some units of a layer are drawn. */
  private layers(name: "generator" | "discriminator", player: Player): void {
    const few = player.shown.some((n, i) => n < (player.units[i] ?? 0));
    this.label(name, few ? `the first ${Math.max(...player.shown)} units of each layer` : "all units");
  }

  private label(name: string, text: string): void {
    const cell = this.values.get(name);
    if (cell) say(cell, text);
  }

  private number(name: string, value: number | null): void {
    const cell = this.values.get(name);
    if (!cell) return;
    say(cell, short(value));
    if (value === null) delete cell.dataset["number"];
    else cell.dataset["number"] = String(value);
    if (name.endsWith("_gradient")) this.parts.get(name)?.style.setProperty("--thick", `${thickness(value)}px`);
    if (name.startsWith("d_")) cell.parentElement?.style.setProperty("--share", `${100 * (value ?? 0)}%`);
  }

  private pick(picked: Picked | null): void {
    this.enlarge(picked);
    say(this.says, picked?.words ?? POINT);
  }

  private paint(): void {
    for (const name of ["noise", "generated", "real"] as const) this.thumb(name);
    for (const one of Object.values(this.networks)) one.draw();
  }

  private thumb(name: "noise" | "generated" | "real"): void {
    const { scene } = this;
    const from = name === "generated" ? this.session.frame : scene;
    const block = array(from, name);
    const sharp = sharpen(this.thumbs[name]);
    if (!scene || !block || !sharp) return;
    if (name === "generated") this.pictured = performance.now();
    const { pen, width, height } = sharp;
    const { header } = scene;
    const tint = colours();
    const colour = name === "noise" ? tint.quiet : name === "real" ? tint.real : tint.generated;
    if (name === "noise") {
      const size = block.shape[1] ?? 1;
      const reach = Math.max(...Array.from(block.data, Math.abs));
      if (size === 1) bars(pen, width, height, block.data, [-reach, reach], colour);
      else if (size === 2) dots(pen, width, height, block.data, [-reach, reach, -reach, reach], colour);
      else numbers(pen, width, height, block.data, size, colour);
    } else if (header.view === "pictures") gallery(pen, width, height, block.data, header.shape, this.scratch);
    else if (header.view === "line") bars(pen, width, height, block.data, header.bounds ?? [], colour);
    else if (header.view === "plane") dots(pen, width, height, block.data, header.bounds ?? [], colour);
  }

  // Slow motion --------------------------------------------------------------------------------------------

  private light(stage: Stage | null): void {
    if (!stage || stage.stage === "generate") this.dark();
    if (!stage) return;
    for (const timer of this.lighting) clearTimeout(timer);
    for (const part of this.parts.values()) delete part.dataset["lit"];
    const wait = matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : LATER;
    this.lighting = stage.lights.map((name, i) => window.setTimeout(() => {
      const part = this.parts.get(name);
      if (part) part.dataset["lit"] = String(i + 1);
    }, i * wait));
    this.element.dataset["stage"] = stage.stage;
    const player = stage.stage.endsWith("generator") || stage.stage === "generator_loss" ? "generator" : "discriminator";
    if (stage.stage.endsWith("_loss") || stage.stage.startsWith("update")) {
      for (const name of ["loss", "gradient"]) {
        const value = stage.numbers[name];
        if (value === null || value === undefined) continue;
        this.held.set(`${player}_${name}`, value);
        this.number(`${player}_${name}`, value);
      }
    }
  }

  private dark(): void {
    if (this.element.dataset["stage"] === undefined) return;
    for (const timer of this.lighting) clearTimeout(timer);
    for (const part of this.parts.values()) delete part.dataset["lit"];
    delete this.element.dataset["stage"];
    this.held.clear();
  }
}
