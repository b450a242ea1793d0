/** Real examples of the run's data, to be compared with samples. */

import { button, el, fill, say } from "../base/dom";
import { refused } from "../base/notices";
import type { Desk } from "./desk";
import type { Tool } from "./sheets";
import { picture, showPicture } from "./show";

const MANY = 32;

export function examplesTool(desk: Desk): Tool {
  const said = el("p", { class: "small quiet", role: "status" });
  const { cloud } = desk.opened.view === "pictures" || desk.opened.view === "drawn" ? { cloud: false } : { cloud: true };
  if (cloud) {
    desk.link.on("cloud", ({ words }) => say(said, words));
    return { element: el("div", { class: "stack" }, el("p", {}, "Around each sample: green are real examples, orange are samples."), said),
      redraw: () => undefined };
  }
  const sheet = el("div", { class: "made-sheet", "data-sheet": "real" });
  const look = button("Read them again", () => {
    look.disabled = true;
    say(said, "Reading the data …");
    desk.link.examples(MANY).then(({ header, pictures }) => {
      say(said, String(header["words"]));
      fill(sheet, ...pictures.map((blob, i) => {
        const canvas = picture(`real example ${i + 1}`);
        void showPicture(canvas, blob);
        return el("div", { class: "made" }, canvas);
      }));
    }).catch((error: unknown) => {
      say(said, "");
      refused(error);
    }).finally(() => {
      look.disabled = false;
    });
  }, { name: "show-real" });
  return { element: el("div", { class: "stack" }, el("div", { class: "row" }, look), said, sheet), redraw: () => undefined,
    open: () => sheet.childElementCount === 0 && !look.disabled && look.click() };
}
