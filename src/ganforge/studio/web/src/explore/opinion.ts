/** Feedback: what the discriminator would change in the picture on the easel, and what comes of following it. */

import { button, el, say } from "../base/dom";
import { refused } from "../base/notices";
import { short } from "../base/numbers";
import type { Desk } from "./desk";
import type { Tool } from "./sheets";
import { picture, showPicture } from "./show";

export function feedbackTool(desk: Desk): Tool {
  const why = desk.opened.can["feedback"];
  if (why) return { element: el("p", { class: "quiet" }, why), redraw: () => undefined };
  const titles = ["the picture", "where and which way", "after ten steps of it"];
  const canvases = titles.map((title) => picture(title));
  const said = el("p", { role: "status" });
  const row = el("div", { class: "slots" }, ...canvases.map((canvas, i) =>
    el("div", { class: "slot result" }, el("span", { class: "title" }, titles[i]), canvas)));
  row.hidden = true;
  const ask = button("Ask the discriminator", () => {
    ask.disabled = true;
    say(said, "Asking …");
    desk.link.feedback(desk.present, desk.chosenClass).then(async (made) => {
      row.hidden = false;
      await Promise.all(canvases.map((canvas, i) => {
        const blob = made.pictures[i];
        return blob ? showPicture(canvas, blob) : Promise.resolve();
      }));
      const { probability, after, words, calibration } = made.header;
      say(said, `It takes this for real with ${number(probability)}; after ten steps of its advice with ${number(after)}` +
        `${calibration ? ` (${text(calibration)})` : ""}. ${words ? `Its advice: ${text(words)}.` : ""}`);
    }).catch((error: unknown) => {
      say(said, "");
      refused(error);
    }).finally(() => {
      ask.disabled = false;
    });
  }, { class: "primary", name: "feedback" });
  return {
    element: el("div", { class: "stack" },
      el("p", { class: "small quiet" }, "The generator learned from exactly this: for every pixel, which way to go to look more real."),
      el("div", {}, ask), row, said),
    redraw: () => undefined,
  };
}

function number(value: unknown): string {
  return short(typeof value === "number" ? value : null);
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
