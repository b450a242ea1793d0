/** Scores with their floors and intervals, as a small table. */

import { el, fill } from "../base/dom";
import { short } from "../base/numbers";
import type { LogLine } from "../base/protocol";
import { plain } from "../play/fields";

export function scoreTable(): { element: HTMLElement; show(line: LogLine | null): void } {
  const body = el("tbody", {});
  const caption = el("caption", {}, "Scores");
  const element = el("table", { class: "scores" }, caption,
    el("thead", {}, el("tr", {}, ...["score", "value", "interval", "best possible"].map((name) => el("th", { scope: "col" }, name)))),
    body);
  element.hidden = true;
  let shown = "";
  return {
    element,
    show(line) {
      const scores = line?.examination?.scores ?? {};
      const key = `${line?.nimg ?? ""}`;
      element.hidden = Object.keys(scores).length === 0;
      if (key === shown) return;
      shown = key;
      caption.textContent = `Scores after ${short(line?.nimg)} examples`;
      const chosen = line?.examination?.headline;
      fill(body, ...Object.entries(scores).map(([name, score]) => el("tr", name === chosen ? { class: "chosen" } : {},
        el("th", { scope: "row" }, plain(name), name === chosen ? el("span", { class: "quiet small" }, " (judged by)") : null),
        el("td", {}, short(score.value)),
        el("td", {}, score.low === null || score.low === undefined ? "–" : `${short(score.low)} … ${short(score.high)}`),
        el("td", {}, short(score.floor)))));
    },
  };
}
