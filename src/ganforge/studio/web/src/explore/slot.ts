/** A place for one picture: by drag and drop, or by its list of what there is. */

import { el, fill, fresh } from "../base/dom";
import type { Latent } from "../base/protocol";
import { carries, type Desk, takes } from "./desk";
import { picture, showMade } from "./show";

export interface Slot {
  element: HTMLElement;
  latent(): Latent | null;
  set(latent: Latent): void;
  close(): void;
}

export function slot(desk: Desk, title: string, changed: () => void): Slot {
  const id = fresh("slot");
  const canvas = picture(`${title}: empty`);
  const select = el("select", { id, "data-slot": title, onchange: () => {
    const { value } = select;
    if (value === "easel") set(desk.present);
    else {
      const pin = desk.pins.find((one) => String(one.number) === value);
      if (pin) set(pin.latent);
    }
    select.value = "";
  } });
  let held: Latent | null = null;
  const list = (): void => fill(select, el("option", { value: "" }, "put here …"),
    el("option", { value: "easel" }, "the picture on the easel"),
    ...desk.pins.map((pin) => el("option", { value: String(pin.number) }, pin.name)));
  const set = (latent: Latent): void => {
    held = latent;
    element.classList.add("filled");
    desk.link.make(`slot-${id}`, { latents: [latent], class: desk.chosenClass }, (made) => {
      void showMade(canvas, made, 0);
      canvas.setAttribute("aria-label", `${title}: a picture`);
    });
    changed();
  };
  const element = el("div", { class: "slot" }, el("label", { for: id }, title), canvas, select);
  takes(element, set);
  carries(canvas, () => held);
  list();
  return { element, latent: () => held, set, close: desk.on("pins", list) };
}
