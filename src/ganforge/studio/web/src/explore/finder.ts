/** Buttons that look for directions. */

import { button, el, say } from "../base/dom";
import { refused } from "../base/notices";
import type { Desk } from "./desk";

export function finder(desk: Desk): HTMLElement {
  const why = desk.opened.can["directions"];
  if (why) return el("p", { class: "small quiet" }, why);
  const said = el("p", { class: "small quiet", role: "status" });
  const busy = (is: boolean): void => {
    for (const one of buttons) one.disabled = is;
    say(said, is ? "Looking …" : "");
  };
  const buttons = ([["By variance (PCA)", "pca"], ["From the first layer", "factorised"]] as const).map(([title, method]) =>
    button(title, () => {
      busy(true);
      desk.find(method).catch(refused).finally(() => busy(false));
    }, { "data-method": method }));
  return el("div", { class: "stack" },
    el("div", { class: "row" }, el("span", { class: "small quiet" }, "Find directions:"), ...buttons), said);
}
