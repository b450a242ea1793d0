/** The tools that make sheets: seeds, neighbours, interpolation, arithmetic, style mixing. */

import { button, el, fill, fresh } from "../base/dom";
import type { Latent } from "../base/protocol";
import { slider } from "../base/slider";
import { type Held, mixed, type Said } from "./condition";
import { carries, type Desk } from "./desk";
import { exploreCommand, plainSeed, seedsCommand, takeButton, type Taken } from "./save";
import { latentOf, type Made } from "./model";
import { picture, showMade } from "./show";
import { type Slot, slot } from "./slot";

/** A sheet of pictures; a press takes one to the easel, and each can be dragged. */
export class Sheet {
  readonly element: HTMLElement;

  constructor(private readonly desk: Desk, private readonly name: string, label: string) {
    this.element = el("div", { class: "made-sheet", role: "group", "aria-label": label, "data-sheet": name });
  }

  /** `said`: of each picture; left out, what is said of the one on the easel. */
  make(latents: Latent[], names: (i: number) => string, said: Said[] | null = null): void {
    const { desk } = this;
    const each = said ?? latents.map(() => desk.chosenClass);
    desk.link.make(this.name, { latents, class: said ?? desk.chosenClass }, (made) => this.show(made, latents, names, each));
  }

  private show(made: Made, latents: Latent[], names: (i: number) => string, said: Said[]): void {
    while (this.element.children.length > latents.length) this.element.lastElementChild?.remove();
    latents.forEach((latent, i) => {
      let cell = this.element.children[i];
      if (!(cell instanceof HTMLButtonElement)) {
        cell = el("button", { type: "button", class: "made" }, picture(""), el("span", { class: "small quiet" }));
        this.element.append(cell);
      }
      const [canvas, label] = [cell.querySelector("canvas"), cell.querySelector("span")];
      if (!canvas || !label || !(cell instanceof HTMLButtonElement)) return;
      void showMade(canvas, made, i);
      label.textContent = names(i);
      canvas.setAttribute("aria-label", `take ${names(i) || "this picture"} to the easel`);
      const whole = "mixed" in latent ? (latentOf(made, i) ?? latent) : latent;
      const own = said[i] ?? null;
      cell.onclick = (): void => this.desk.put(whole, own);
      carries(cell, () => ({ latent: whole, said: own }));
    });
  }
}

/** A sheet as it is taken away; where all are plain seeds a command makes it, too. */
function taken(desk: Desk, name: string, latents: Latent[], said: Said | Said[]): Taken {
  const seeds = latents.map(plainSeed).filter((one) => one !== null);
  const plain = seeds.length === latents.length && !Array.isArray(said);
  return { stem: `${desk.opened.name}-${name}`, request: { latents, class: said },
    command: plain ? seedsCommand(desk, seeds, said, { grid: `${name}.png` }) : null };
}

export interface Tool {
  element: HTMLElement;
  /** Everything anew, as after a change of class. */
  redraw(): void;
  /** It has come to be seen. */
  open?(): void;
}

/** Once, when a tool is first seen: the easel's picture and its next seeds, so that there is something to change. */
function fillOnce(desk: Desk, slots: readonly Slot[]): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    const { base } = desk;
    const seed = "seed" in base && !("near" in base) ? base.seed : 0;
    slots.forEach((one, i) => one.held() ?? one.set(i === 0 ? desk.held : { latent: { seed: seed + i }, said: desk.chosenClass }));
  };
}

export function seedsTool(desk: Desk): Tool {
  const sheet = new Sheet(desk, "seeds", "Pictures by their seeds");
  const near = new Sheet(desk, "near", "Neighbours of the picture on the easel");
  let first = 0;
  let spread = 0.25;
  const sixteen = (): Latent[] => Array.from({ length: 16 }, (_, i) => ({ seed: first + i }));
  const draw = (): void => sheet.make(sixteen(), (i) => `seed ${first + i}`);
  const neighbours = (): void => near.make(
    Array.from({ length: 8 }, (_, i) => ({ near: desk.base, spread, seed: i })), () => "");
  const turn = (by: number) => (): void => {
    first = Math.max(0, first + by);
    draw();
  };
  draw();
  neighbours();
  desk.on("easel", neighbours);
  return {
    element: el("div", { class: "stack" },
      el("p", { class: "small quiet" }, "Press one to take it to the easel; drag it anywhere."),
      sheet.element,
      el("div", { class: "row" }, button("Earlier seeds", turn(-16)), button("Later seeds", turn(16), { name: "later-seeds" }),
        takeButton(desk, () => taken(desk, "seeds", sixteen(), desk.chosenClass), "take-seeds")),
      el("h3", {}, "Neighbours of the one on the easel"), near.element,
      slider({ label: "how far", low: 0.05, high: 1, step: 0.05, value: spread, moved: (value) => {
        spread = value;
        neighbours();
      } }).element),
    redraw() {
      draw();
      neighbours();
    },
  };
}

export function interpolationTool(desk: Desk): Tool {
  const strip = new Sheet(desk, "strip", "From the first to the second");
  const canvas = picture("Between the two");
  const said = el("p", { class: "small quiet" }, "From one to the other. Drag other pictures into the places, or choose from their lists.");
  let share = 0.5;
  const at = (t: number): Held | null => {
    const [a, b] = [from.held(), to.held()];
    return a && b ? { latent: { between: [a.latent, b.latent], t }, said: mixed([[a.said, 1 - t], [b.said, t]]) } : null;
  };
  const eighths = (): Held[] => Array.from({ length: 8 }, (_, i) => at(i / 7)).filter((one) => one !== null);
  const middle = (): void => {
    const between = at(share);
    if (between) desk.link.make("between", { latents: [between.latent], class: between.said },
      (made) => void showMade(canvas, made, 0));
  };
  const all = (): void => {
    const steps = eighths();
    if (steps.length === 0) return;
    middle();
    strip.make(steps.map((one) => one.latent), (i) => `${Math.round((i / 7) * 100)} %`, steps.map((one) => one.said));
  };
  const from = slot(desk, "from", all);
  const to = slot(desk, "to", all);
  return {
    element: el("div", { class: "stack" }, said,
      el("div", { class: "slots" }, from.element, el("div", { class: "slot result" }, el("span", { class: "title" }, "between"), canvas,
        button("To the easel", () => {
          const between = at(share);
          if (between) desk.put(between.latent, between.said);
        })), to.element),
      slider({ label: "how far along", name: "between", low: 0, high: 1, step: 0.01, value: 0.5,
        words: (value) => `${Math.round(value * 100)} %`, moved: (value) => {
          share = value;
          middle();
        } }).element,
      strip.element,
      el("div", { class: "row" }, takeButton(desk, () => {
        const [a, b] = [from.held(), to.held()];
        const steps = eighths();
        if (!a || !b || steps.length === 0) return null;
        const ends = { latents: [a.latent, b.latent], class: [a.said, b.said] };
        const seeds = [plainSeed(a.latent), plainSeed(b.latent)].filter((one) => one !== null);
        const same = JSON.stringify(a.said) === JSON.stringify(b.said);
        return { stem: `${desk.opened.name}-walk`, request: { latents: steps.map((one) => one.latent), class: steps.map((one) => one.said) },
          ends, command: seeds.length === 2 && same ? seedsCommand(desk, seeds, a.said, { film: "walk.gif" }) : null };
      }, "take-between"))),
    redraw: all,
    open: fillOnce(desk, [from, to]),
  };
}

export function arithmeticTool(desk: Desk): Tool {
  const canvas = picture("The result");
  const sum = (): Held | null => {
    const [a, b, c] = [first.held(), less.held(), plus.held()];
    return a && b && c ? {
      latent: { sum: [a.latent, b.latent, c.latent] }, said: mixed([[a.said, 1], [b.said, -1], [c.said, 1]]),
    } : null;
  };
  const draw = (): void => {
    const whole = sum();
    if (whole) desk.link.make("sum", { latents: [whole.latent], class: whole.said }, (made) => {
      void showMade(canvas, made, 0);
      canvas.setAttribute("aria-label", "The result: a picture");
    });
  };
  const first = slot(desk, "a", draw);
  const less = slot(desk, "minus b", draw);
  const plus = slot(desk, "plus c", draw);
  const open = fillOnce(desk, [first, less, plus]);
  return {
    element: el("div", { class: "stack" },
      el("p", { class: "small quiet" }, "As in smiling woman − woman + man. Drag pictures into the places, or choose from their lists."),
      el("div", { class: "slots four" }, first.element, less.element, plus.element,
        el("div", { class: "slot result" }, el("span", { class: "title" }, "= result"), canvas, button("To the easel", () => {
          const whole = sum();
          if (whole) desk.put(whole.latent, whole.said);
        }))),
      el("div", { class: "row" }, takeButton(desk, () => {
        const whole = sum();
        const seeds = [first.held(), less.held(), plus.held()].map((one) => (one && one.said === null ? plainSeed(one.latent) : null));
        const [a, b, c] = seeds;
        return whole && { stem: `${desk.opened.name}-sum`, request: { latents: [whole.latent], class: whole.said }, command:
          seeds.includes(null) ? null : exploreCommand(desk, "arithmetic", "--a", `seeds:${a}`, "--b", `seeds:${b}`, "--c", `seeds:${c}`) };
      }, "take-sum"))),
    redraw: draw,
    open,
  };
}

/** The latent on the easel, asked to be each class. */
export function classesTool(desk: Desk): Tool {
  const sheet = new Sheet(desk, "classes", "The sample on the easel in each class");
  const { classes } = desk.opened;
  const shown = classes.slice(0, 64);
  const draw = (): void => sheet.make(shown.map(() => desk.present), (i) => shown[i] ?? "", shown.map((_, i) => i));
  return {
    element: el("div", { class: "stack" }, el("p", { class: "small quiet" },
      "One latent, asked to be each class: what stays the same is the latent’s, what changes is the class’s." +
      (classes.length > shown.length ? ` The first ${shown.length} of ${classes.length} are shown.` : "")), sheet.element,
      el("div", { class: "row" }, takeButton(desk, () => taken(desk, "classes", shown.map(() => desk.present), shown.map((_, i) => i)), "take-classes"))),
    redraw: draw,
  };
}

export function mixingTool(desk: Desk): Tool {
  const canvas = picture("The mixture");
  const draw = (): void => {
    const [content, style] = [shapes.held(), manner.held()];
    if (content && style) desk.link.make("mixed", { latents: [{ mixed: [content.latent, style.latent] }], class: content.said },
      (made) => void showMade(canvas, made, 0));
  };
  const shapes = slot(desk, "coarse layers from", draw);
  const manner = slot(desk, "fine layers from", draw);
  return {
    element: el("div", { class: "stack" },
      el("p", { class: "small quiet" }, "The coarse layers follow one latent, the fine ones another."),
      el("div", { class: "slots" }, shapes.element, manner.element,
        el("div", { class: "slot result" }, el("span", { class: "title" }, "mixture"), canvas)),
      el("div", { class: "row" }, takeButton(desk, () => {
        const [content, style] = [shapes.held(), manner.held()];
        if (!content || !style) return null;
        const [a, b] = [plainSeed(content.latent), plainSeed(style.latent)];
        return { stem: `${desk.opened.name}-mix`, request: { latents: [{ mixed: [content.latent, style.latent] }], class: content.said },
          command: content.said !== null || a === null || b === null ? null : exploreCommand(desk, "mix", "--content", a, "--style", b) };
      }, "take-mix"))),
    redraw: draw,
    open: fillOnce(desk, [shapes, manner]),
  };
}

/** The pins: pictures that are kept, to be dragged or chosen. */
export function pinTray(desk: Desk): HTMLElement {
  const list = el("ul", { class: "pin-list" });
  const known = new Map<number, HTMLElement>();
  desk.on("pins", (pins) => {
    for (const number of [...known.keys()]) if (!pins.some((pin) => pin.number === number)) known.delete(number);
    fill(list, ...pins.map((pin) => {
      const already = known.get(pin.number);
      if (already) return already;
      const canvas = picture(`take ${pin.name} to the easel`);
      const take = el("button", { type: "button", class: "made", onclick: () => desk.put(pin.latent, pin.said) }, canvas,
        el("span", { class: "small quiet" }, pin.name));
      carries(take, () => ({ latent: pin.latent, said: pin.said }));
      desk.link.make(`pin-${pin.number}`, { latents: [pin.latent], class: pin.said }, (made) => void showMade(canvas, made, 0));
      const item = el("li", { "data-pin": pin.number }, take,
        button("×", () => desk.unpin(pin.number), { class: "plain", "aria-label": `take ${pin.name} off` }));
      known.set(pin.number, item);
      return item;
    }));
  });
  const id = fresh("pins");
  return el("section", { class: "pins", "aria-labelledby": id }, el("h3", { id }, "Pinned pictures"),
    list, el("p", { class: "small quiet when-empty" }, "Pin the picture on the easel to keep it, and to use it in the tools."));
}
