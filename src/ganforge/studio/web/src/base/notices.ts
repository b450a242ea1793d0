/** One clear line at the top for a refusal, for a lost connection, or for good news. */

import { button, el, fill } from "./dom";
import { Refusal } from "./socket";

const place = el("div", { class: "notices", role: "status", "aria-live": "polite" });
const lines = new Map<string, HTMLElement>();

export function noticePlace(): HTMLElement {
  return place;
}

function show(key: string, kind: "refused" | "lost" | "word", text: string, way?: HTMLElement): void {
  lines.set(key, el("p", { class: kind, "data-notice": key }, el("span", {}, text),
    way ?? button("Dismiss", () => clearNotice(key), { class: "plain" })));
  fill(place, ...lines.values());
}

/** A refusal; the next one replaces it. */
export function refused(error: unknown): void {
  if (error instanceof Refusal && error.overtaken) return;
  show("refused", "refused", error instanceof Error ? error.message : String(error));
}

export function lost(key: string, text: string): void {
  show(key, "lost", text);
}

/** What cannot go on until something is done about it, with the button that does it. */
export function wanted(key: string, text: string, title: string, press: () => void): void {
  show(key, "lost", text, button(title, press));
}

let fading = 0;

export function word(text: string): void {
  show("word", "word", text);
  window.clearTimeout(fading);
  fading = window.setTimeout(() => clearNotice("word"), 6000);
}

export function clearNotice(key: string): void {
  if (lines.delete(key)) fill(place, ...lines.values());
}
