/** What a network is told beside its input: a class from a list, or labels, numbers or a text in words. */

import { el, fresh } from "../base/dom";
import type { Latent, Opened } from "../base/protocol";

/** `mix`: between what is said of several pictures, each with its weight. */
export type Said = number | string | null | { mix: [number | string, number][] };

/** A picture that is carried: its latent, and what was said beside it. */
export interface Held {
  latent: Latent;
  said: Said;
}

/** What is said of a picture between others, or of their sum. */
export function mixed(parts: readonly [Said, number][]): Said {
  const flat = new Map<number | string, number>();
  for (const [said, weight] of parts) {
    if (said === null) return null;
    const own: [number | string, number][] = typeof said === "object" ? said.mix : [[said, 1]];
    for (const [what, share] of own) flat.set(what, (flat.get(what) ?? 0) + share * weight);
  }
  const left = [...flat].filter(([, weight]) => Math.abs(weight) > 1e-9);
  const [only] = left;
  return only && left.length === 1 && Math.abs(only[1] - 1) < 1e-9 ? only[0] : { mix: left };
}

/** What is said at first: the first class; of labels, numbers and texts nothing. */
export function firstCondition(opened: Opened): Said {
  return opened.conditions > 0 && (opened.condition?.kind ?? "class") === "class" ? 0 : null;
}

/** As `gan sample` takes it; null for a mixture of several. */
export function asWords(opened: Opened, said: Said): string | null {
  if (said === null || typeof said === "object") return null;
  return typeof said === "number" ? opened.classes[said] ?? String(said) : said;
}

export interface ConditionField {
  element: HTMLElement;
  /** What is said of the picture on the easel now. */
  show(said: Said): void;
}

export function conditionField(opened: Opened, said: (what: Said) => void): ConditionField {
  const id = fresh("class");
  const kind = opened.condition?.kind ?? "class";
  if (kind !== "class") {
    const names = opened.condition?.names ?? [];
    const help = { labels: "labels, joined by commas", numbers: "NAME=VALUE, joined by commas", text: "in words" }[kind];
    const box = el("input", { id, type: "text", name: "class", placeholder: names.slice(0, 3).join(", "),
      onchange: () => said(box.value.trim() || null) });
    return {
      element: el("div", { class: "field" }, el("label", { for: id }, help), box,
        names.length ? el("p", { class: "small quiet" }, names.slice(0, 40).join(", ")) : null),
      show(what) {
        box.value = what === null ? "" : typeof what === "object" ? "" : String(what);
        box.placeholder = what !== null && typeof what === "object" ? "between several" : names.slice(0, 3).join(", ");
      },
    };
  }
  const names = opened.classes.length ? opened.classes : Array.from({ length: opened.conditions }, (_, i) => String(i));
  const select = el("select", { id, name: "class", onchange: () => said(Number(select.value)) },
    ...names.map((name, i) => el("option", { value: i }, name)));
  return {
    element: el("div", { class: "field" }, el("label", { for: id }, "class"), select),
    show(what) {
      select.selectedIndex = typeof what === "number" ? what : -1;  // none of them: a mixture of several
    },
  };
}
