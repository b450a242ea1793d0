/** A place for one picture: by drag and drop, or by its list of what there is. */

import { el, fill, fresh } from "../base/dom";
import type { Held } from "./condition";
import { carries, type Desk, takes } from "./desk";
import { picture, showMade } from "./show";

export interface Slot {
  element: HTMLElement;
  held(): Held | null;
  set(held: Held): void;
  close(): void;
}

export function slot(desk: Desk, title: string, changed: () => void): Slot {
  const id = fresh("slot");
  const canvas = picture(`${title}: empty`);
  const select = el("select", { id, "data-slot": title, onchange: () => {
    const { value } = select;
    if (value === "easel") set(desk.held);
    else {
      const pin = desk.pins.find((one) => String(one.number) === value);
      if (pin) set({ latent: pin.latent, said: pin.said });
    }
    select.value = "";
  } });
  let here: Held | null = null;
  const list = (): void => fill(select, el("option", { value: "" }, "put here …"),
    el("option", { value: "easel" }, "the picture on the easel"),
    ...desk.pins.map((pin) => el("option", { value: String(pin.number) }, pin.name)));
  const set = (held: Held): void => {
    here = held;
    element.classList.add("filled");
    desk.link.make(`slot-${id}`, { latents: [held.latent], class: held.said }, (made) => {
      void showMade(canvas, made, 0);
      canvas.setAttribute("aria-label", `${title}: a picture`);
    });
    changed();
  };
  const element = el("div", { class: "slot" }, el("label", { for: id }, title), canvas, select);
  takes(element, set);
  carries(canvas, () => here);
  list();
  return { element, held: () => here, set, close: desk.on("pins", list) };
}
