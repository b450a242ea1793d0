import { el } from "../base/dom";
import type { RunSummary } from "../base/protocol";

const TONES: Record<RunSummary["state"], string> = {
  training: "good", paused: "notice", finished: "quiet-tone", stopped: "quiet-tone", diverged: "failure", unknown: "quiet-tone",
};

export function stateBadge(state: RunSummary["state"]): HTMLElement {
  return el("span", { class: `badge ${TONES[state]}`, "data-state": state }, state);
}
