/** What goes wrong: each failure at one click, then its remedy beside it; and why there is randomness. */

import { button, el } from "../base/dom";
import type { Catalogue, Contrast, Failure, Settings } from "../base/protocol";
import { changesInWords } from "./findings";

export interface Showing {
  title: string;
  settings: Settings;
}

export type Show = (first: Showing, second: Showing | null, speed: number | null) => void;

export function failuresPanel(catalogue: Catalogue, show: Show): HTMLElement {
  const [without, within] = catalogue.why_randomness;
  return el("div", { class: "stack wide" },
    el("p", { class: "quiet" }, "Each of these is a real training that fails. Watch the findings, then put the remedy beside it."),
    ...catalogue.failures.map((failure) => card(failure, show)),
    without && within ? why(without, within, show) : null);
}

function card(failure: Failure, show: Show): HTMLElement {
  const first = { title: failure.title, settings: failure.settings };
  const cured = {
    title: "With the remedy",
    settings: { ...failure.settings, changes: { ...failure.settings.changes, ...failure.remedy.changes } },
  };
  return el("section", { class: "card stack", "data-failure": failure.name },
    el("h3", {}, failure.title), el("p", { class: "small" }, failure.words),
    el("p", { class: "small" }, el("strong", {}, "The remedy: "), failure.remedy.words, " ",
      el("span", { class: "quiet" }, `(${changesInWords(failure.remedy.changes)})`)),
    el("div", { class: "row" },
      button("Show it", () => show(first, null, failure.speed), { "data-act": "show" }),
      button("With the remedy beside it", () => show(first, cured, failure.speed), { "data-act": "beside" })));
}

function why(without: Contrast, within: Contrast, show: Show): HTMLElement {
  return el("section", { class: "card stack", "data-failure": "why-randomness" },
    el("h3", {}, "Why randomness?"),
    el("p", { class: "small" }, without.words), el("p", { class: "small" }, within.words),
    el("div", { class: "row" }, button("Show both", () => show(
      { title: without.title, settings: without.settings }, { title: within.title, settings: within.settings }, 250),
    { "data-act": "beside" })));
}
