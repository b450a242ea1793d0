/** What a network is told beside its input: a class from a list, or labels, numbers or a text in words. */

import { el, fresh } from "../base/dom";
import type { Opened } from "../base/protocol";

export type Said = number | string | null;

/** What is said at first: the first class; of labels, numbers and texts nothing. */
export function firstCondition(opened: Opened): Said {
  return opened.conditions > 0 && (opened.condition?.kind ?? "class") === "class" ? 0 : null;
}

export function conditionField(opened: Opened, said: (what: Said) => void): HTMLElement {
  const id = fresh("class");
  const kind = opened.condition?.kind ?? "class";
  if (kind !== "class") {
    const names = opened.condition?.names ?? [];
    const help = { labels: "labels, joined by commas", numbers: "NAME=VALUE, joined by commas", text: "in words" }[kind];
    const box = el("input", { id, type: "text", name: "class", placeholder: names.slice(0, 3).join(", "),
      onchange: () => said(box.value.trim() || null) });
    return el("div", { class: "field" }, el("label", { for: id }, help), box,
      names.length ? el("p", { class: "small quiet" }, names.slice(0, 40).join(", ")) : null);
  }
  const names = opened.classes.length ? opened.classes : Array.from({ length: opened.conditions }, (_, i) => String(i));
  const select = el("select", { id, name: "class", onchange: () => said(Number(select.value)) },
    ...names.map((name, i) => el("option", { value: i }, name)));
  return el("div", { class: "field" }, el("label", { for: id }, "class"), select);
}
