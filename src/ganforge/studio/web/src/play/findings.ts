/** What was found, in words, worst first, each with the numbers it rests on and its remedy as a button. */

import { button, el, fill } from "../base/dom";
import { short } from "../base/numbers";
import type { Changes, Finding, Severity, Value } from "../base/protocol";
import { plain } from "./fields";

const GLYPHS: Record<Severity, string> = { good: "●", notice: "◆", warning: "▲", failure: "✕" };

export interface FindingList {
  element: HTMLElement;
  show(findings: readonly Finding[], verdict: string): void;
}

/** `apply` null: the remedy is told, and there is no button for it. */
export function findingList(apply: ((finding: Finding) => void) | null): FindingList {
  const said = el("p", { class: "verdict quiet" });
  const list = el("ol", { class: "findings", "aria-live": "polite", "aria-relevant": "additions" });
  let shown = "";
  return {
    element: el("section", { class: "stack" }, el("h3", {}, "Findings"), said, list),
    show(findings, verdict) {
      const key = JSON.stringify([findings, verdict]);
      if (key === shown) return;
      shown = key;
      said.textContent = verdict || (findings.length === 0 ? "Nothing found yet." : "");
      said.hidden = said.textContent === "";
      fill(list, ...findings.map((finding) => one(finding, apply)));
    },
  };
}

function one(finding: Finding, apply: ((finding: Finding) => void) | null): HTMLElement {
  const evidence = Object.entries(finding.evidence).slice(0, 5)
    .map(([name, value]) => `${plain(name)} ${counted(value)}`).join(" · ");
  const acts = apply !== null && Object.keys(finding.changes).length > 0;
  return el("li", { class: `finding ${finding.severity}`, "data-code": finding.code },
    el("p", { class: "title" },
      el("span", { class: "glyph", "aria-hidden": "true" }, GLYPHS[finding.severity]),
      el("strong", {}, plain(finding.code)), el("span", { class: "quiet small" }, finding.severity)),
    el("p", {}, finding.meaning),
    evidence ? el("p", { class: "small quiet" }, evidence) : null,
    finding.remedy ? el("p", { class: "small" }, el("strong", {}, "What helps: "), finding.remedy) : null,
    acts ? el("div", { class: "row" },
      button("Apply the remedy", () => apply?.(finding), { class: "remedy", "data-remedy": finding.code }),
      el("code", { class: "small" }, changesInWords(finding.changes, finding.before))) : null);
}

function counted(value: number): string {
  return Number.isInteger(value) ? value.toLocaleString("en-GB") : short(value);
}

/** `before`: what ran, so that it is seen that the remedy is another. */
export function changesInWords(changes: Changes, before: Changes = {}): string {
  return Object.entries(changes).map(([key, value]) => (before[key] === undefined
    ? `${key} = ${valueInWords(value)}` : `${key} ${valueInWords(before[key])} → ${valueInWords(value)}`)).join(", ");
}

function valueInWords(value: Value): string {
  if (typeof value === "number") return counted(value);
  if (Array.isArray(value)) {
    return value.map((item) => (item !== null && typeof item === "object" && !Array.isArray(item) && "name" in item
      ? String(item["name"]) : valueInWords(item))).join(" + ") || "none";
  }
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
}
