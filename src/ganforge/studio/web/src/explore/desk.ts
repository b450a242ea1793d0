/** What the tools share: the open model, the picture on the easel, the pins, and how a latent is carried. */

import { el } from "../base/dom";
import { Emitter } from "../base/emitter";
import type { Direction, Latent, Opened } from "../base/protocol";
import { firstCondition, type Held, type Said } from "./condition";
import type { ModelLink } from "./model";
import type { State } from "./state";

export interface Pin extends Held {
  number: number;
  name: string;
}

export interface DeskEvents {
  easel: Latent;
  pins: readonly Pin[];
  /** What is on the easel has changed, by whatever hand. */
  present: Latent;
  directions: readonly Direction[];
}

const KIND = "application/x-ganforge-latent";

export class Desk extends Emitter<DeskEvents> {
  pins: Pin[] = [];
  /** The easel's latent before its sliders. */
  base: Latent = { seed: 0 };
  /** With its sliders; what tools take when they say 'the picture on the easel'. */
  present: Latent = this.base;
  /** Of the picture on the easel: a class by its number, or what is said in words; null is what the seed's sample gets. */
  chosenClass: Said = null;
  truncation = 1;
  /** Of each direction, how far the easel's slider is. */
  readonly amounts = new Map<string, number>();
  directions: readonly Direction[];
  private count = 0;

  /** `path`: of the model, for commands; `moment`: which of its saved states is open. */
  constructor(readonly link: ModelLink, readonly opened: Opened, readonly path: string, readonly moment: string) {
    super();
    this.chosenClass = firstCondition(opened);
    this.directions = opened.directions;
  }

  /** What the address says of it; a direction that is not known is left out. */
  restore(state: State): void {
    this.base = state.base;
    this.chosenClass = state.said;
    this.truncation = state.truncation;
    const known = new Set(this.opened.directions.map((direction) => direction.name));
    for (const { direction, amount } of state.by) if (known.has(direction)) this.amounts.set(direction, amount);
    for (const held of state.pins) this.keep(held);
  }

  state(tool: string): State {
    const by = [...this.amounts].filter(([, amount]) => amount !== 0).map(([direction, amount]) => ({ direction, amount }));
    return { base: this.base, said: this.chosenClass, truncation: this.truncation, by, tool, pins: this.pins };
  }

  /** The picture on the easel with all that it is made of. */
  get held(): Held {
    return { latent: this.present, said: this.chosenClass };
  }

  /** `said` left out: what is said stays. */
  put(latent: Latent, said: Said = this.chosenClass): void {
    this.base = latent;
    this.chosenClass = said;
    this.emit("easel", latent);
  }

  pin(): Pin {
    const pin = this.keep(this.held);
    this.emit("pins", this.pins);
    return pin;
  }

  private keep(held: Held): Pin {
    this.count += 1;
    const pin = { number: this.count, name: `pin ${this.count}`, latent: held.latent, said: held.said };
    this.pins = [...this.pins, pin];
    return pin;
  }

  /** Looks for directions; raises where none can be found. */
  async find(method: string): Promise<void> {
    const { message } = await this.link.task("directions", { method, count: 8 });
    const found = message.result?.["directions"];
    if (Array.isArray(found)) this.have(found as unknown as Direction[]);
  }

  have(directions: readonly Direction[]): void {
    this.directions = directions;
    this.emit("directions", directions);
  }

  unpin(number: number): void {
    this.pins = this.pins.filter((pin) => pin.number !== number);
    this.emit("pins", this.pins);
  }
}

/** Makes an element's picture one that can be dragged. */
export function carries(element: HTMLElement, held: () => Held | null): void {
  element.draggable = true;
  element.addEventListener("dragstart", (event) => {
    const carried = held();
    if (carried) event.dataTransfer?.setData(KIND, JSON.stringify(carried));
  });
}

/** A found picture under `canvas` that can be pressed, or dragged, to the easel; null is of no latent, and rests. */
export function foundCell(desk: Desk, canvas: HTMLCanvasElement, words: string, held: Held | null): HTMLButtonElement {
  const cell = el("button", { type: "button", class: "made", disabled: held === null,
    onclick: () => held && desk.put(held.latent, held.said) }, canvas, el("span", { class: "small quiet" }, words));
  if (held) carries(cell, () => held);
  return cell;
}

/** Lets an element take a picture that is dropped on it. */
export function takes(element: HTMLElement, drop: (held: Held) => void): void {
  element.addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes(KIND)) return;
    event.preventDefault();
    element.classList.add("over-it");
  });
  element.addEventListener("dragleave", () => element.classList.remove("over-it"));
  element.addEventListener("drop", (event) => {
    element.classList.remove("over-it");
    const text = event.dataTransfer?.getData(KIND);
    if (!text) return;
    event.preventDefault();
    drop(JSON.parse(text) as Held);
  });
}
