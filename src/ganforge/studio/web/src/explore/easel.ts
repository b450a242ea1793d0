/** The easel: one picture, its seed, class, truncation, and a slider along each direction. */

import { openDialog } from "../base/dialog";
import { button, el, fill, fresh } from "../base/dom";
import type { Direction, Latent } from "../base/protocol";
import { slider } from "../base/slider";
import { refused } from "../base/notices";
import { conditionField } from "./condition";
import { carries, type Desk } from "./desk";
import { finder } from "./finder";
import { saveSample } from "./save";
import { picture, showMade } from "./show";
import { Turntable } from "./turn";

const KEPT = 200;

export class Easel {
  readonly element: HTMLElement;
  private readonly canvas = picture("The picture on the easel");
  private readonly player = el("audio", { controls: true, hidden: true, "aria-label": "The sound on the easel" });
  private readonly film = el("img", { class: "clip sharp", hidden: true, alt: "The clip on the easel, as it moves" });
  private readonly seed: HTMLInputElement;
  private readonly sliders = el("div", { class: "stack sliders" });
  private readonly turntable = new Turntable();
  private readonly note = el("p", { class: "small", role: "status", hidden: true, "data-note": "" });
  private readonly level = button("Level the sliders", () => {
    this.desk.amounts.clear();
    this.showDirections();
    this.paint();
  }, { class: "plain" });
  private readonly waits: number[] = [];

  constructor(private readonly desk: Desk, redraw: () => void) {
    const { opened } = desk;
    const seedId = fresh("seed");
    this.seed = el("input", { id: seedId, type: "number", min: 0, step: 1, name: "seed", value: "seed" in desk.base ? desk.base.seed : 0,
      onchange: () => desk.put({ seed: this.seedNumber() }) });
    const truncated = slider({ label: "truncation", name: "truncation", low: 0, high: 1, step: 0.01, value: desk.truncation,
      words: (value) => (value >= 1 ? "none" : `${Math.round(value * 100)} % of the way`),
      moved: (value) => {
        desk.truncation = value;
        this.paint();
      } });
    const asked = opened.conditions > 0 ? conditionField(opened, (said) => {
      desk.chosenClass = said;
      this.paint();
      redraw();
    }) : null;
    this.element = el("section", { class: "easel stack" },
      this.canvas, this.turntable.element, this.player, this.film,
      el("div", { class: "row" },
        button("Pin it", () => desk.pin(), { class: "primary", name: "pin" }),
        button("Another", () => {
          this.seed.value = String(this.seedNumber() + 1);
          desk.put({ seed: this.seedNumber() });
        }, { name: "another" }),
        button("Save …", () => saveSample(desk, this.canvas), { name: "save-sample" }),
        this.level),
      el("div", { class: "field number" }, el("label", { for: seedId }, "seed"), this.seed),
      asked?.element ?? null, this.note,
      truncated.element,
      el("h3", {}, "Directions"), this.sliders, finder(desk));
    carries(this.canvas, () => desk.held);
    desk.on("easel", () => {
      asked?.show(desk.chosenClass);
      if ("seed" in desk.base && !("near" in desk.base)) this.seed.value = String(desk.base.seed);
      this.paint();
    });
    asked?.show(desk.chosenClass);
    if (opened.solid) this.canvas.hidden = true;
    desk.on("directions", () => this.showDirections());
    this.showDirections();
    this.paint();
  }

  private seedNumber(): number {
    const value = Math.round(Number(this.seed.value));
    return Number.isFinite(value) && value >= 0 ? value : 0;
  }

  private compose(): Latent {
    const { base, by, truncation } = this.desk.state("");
    const latent = by.length > 0 ? { moved: base, by } : base;
    return truncation < 1 ? { truncated: latent, by: truncation } : latent;
  }

  /** The time from a hand's move to the picture on the screen is kept, for the label and for tests. */
  paint(): void {
    const began = performance.now();
    const { desk } = this;
    desk.present = this.compose();
    desk.emit("present", desk.present);
    const { heard: sound, moving, solid } = desk.opened;
    const heard = sound || moving || solid ? { heard: true } : {};
    desk.link.make("easel", { latents: [desk.present], class: desk.chosenClass, ...heard }, (made) => {
      this.play(made.pictures[1]);
      const voxels = made.arrays.get("voxels");
      if (voxels) this.turntable.show(voxels.data, voxels.shape);
      const { note } = made.header;
      this.note.textContent = typeof note === "string" ? note : "";
      this.note.hidden = this.note.textContent === "";
      void showMade(this.canvas, made, 0).then(() => {
        this.canvas.setAttribute("aria-label", "The picture on the easel");
        requestAnimationFrame(() => this.measure(performance.now() - began));
      });
    });
  }

  private play(file: Blob | undefined): void {
    if (!file) return;
    const shown = file.type.startsWith("image/") ? this.film : this.player;
    URL.revokeObjectURL(shown.src);
    shown.src = URL.createObjectURL(file);
    shown.hidden = false;
  }

  private measure(wait: number): void {
    this.waits.push(wait);
    if (this.waits.length > KEPT) this.waits.shift();
    this.element.dataset["waits"] = this.waits.map((one) => one.toFixed(1)).join(" ");
  }

  private showDirections(): void {
    const { directions } = this.desk;
    this.level.hidden = directions.length === 0;
    fill(this.sliders, directions.length === 0 ? el("p", { class: "small quiet" }, "None yet: look for some below.") : null,
      ...directions.map((direction) => el("div", { class: "direction" }, slider({
        label: direction.name, hint: direction.words, name: `direction-${direction.name}`,
        low: -direction.reach, high: direction.reach, step: direction.reach / 100, value: this.desk.amounts.get(direction.name) ?? 0,
        moved: (amount) => {
          this.desk.amounts.set(direction.name, amount);
          this.paint();
        },
      }).element, button("Name …", () => this.name(direction), { class: "plain", "data-rename": direction.name,
        "aria-label": `Name the direction ${direction.name}` }))));
  }

  /** A name that says what the direction does; it is kept with the run. */
  private name(direction: Direction): void {
    const id = fresh("name");
    const field = el("input", { id, type: "text", name: "direction-name", value: direction.name, maxlength: 40 });
    const form = el("form", { class: "stack", onsubmit: (event) => {
      event.preventDefault();
      this.desk.link.rename(direction.name, field.value.trim()).then((all) => {
        const { amounts } = this.desk;
        const amount = amounts.get(direction.name);
        amounts.delete(direction.name);
        if (amount !== undefined) amounts.set(field.value.trim(), amount);
        this.desk.have(all);
        dialog.close();
        this.paint();
      }).catch(refused);
    } }, el("label", { for: id }, "what it changes"), field,
    el("div", { class: "row" }, el("button", { type: "submit", class: "primary", name: "keep-name" }, "Keep the name")));
    const dialog = openDialog(`Name ‘${direction.name}’`, form);
    field.select();
  }
}
