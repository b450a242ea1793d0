/** Feedback: what the discriminator would change in the picture on the easel, and what comes of following it. */

import { button, el, say } from "../base/dom";
import { refused } from "../base/notices";
import { short } from "../base/numbers";
import type { Desk } from "./desk";
import type { Made } from "./model";
import type { Tool } from "./sheets";
import { picture, showMade, showPicture } from "./show";

export function feedbackTool(desk: Desk): Tool {
  const titles = ["the sample", "where and which way", "after ten steps of it"];
  const canvases = titles.map((title) => picture(title));
  const said = el("p", { role: "status" });
  const row = el("div", { class: "slots" }, ...canvases.map((canvas, i) =>
    el("div", { class: "slot result" }, el("span", { class: "title" }, titles[i]), canvas)));
  row.hidden = true;
  const [before, middle, later] = canvases;
  /** Of pictures three; of what is drawn two; of points none: they stand in their cloud. */
  const show = async (made: Made): Promise<void> => {
    if (!before || !middle || !later) return;
    const [first, ...others] = made.pictures;
    if (middle.parentElement) middle.parentElement.hidden = others.length < 2;
    if (first) {
      const [heat, last] = others.length < 2 ? [null, others[0]] : others;
      await Promise.all([showPicture(before, first), heat ? showPicture(middle, heat) : null, last ? showPicture(later, last) : null]);
      return;
    }
    for (const [canvas, name] of [[before, "sample"], [later, "followed"]] as const) {
      const block = made.arrays.get(name);
      if (block) await showMade(canvas, { ...made, arrays: new Map([["samples", { data: block.data, shape: [1, ...block.shape] }]]) }, 0);
    }
  };
  const ask = button("Ask the discriminator", () => {
    ask.disabled = true;
    say(said, "Asking …");
    desk.link.feedback(desk.present, desk.chosenClass).then(async (made) => {
      row.hidden = false;
      await show({ ...made, cloud: desk.link.cloud });
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
      el("p", { class: "small quiet" }, `The generator learned from exactly this: for every ${desk.opened.view === "pictures" ? "pixel" : "number"} of a sample, which way to go to look more real.`),
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
