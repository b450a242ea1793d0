/** Slow motion: one round in its five steps, in words and with its numbers. */

import { button, el, fill } from "../base/dom";
import { short } from "../base/numbers";
import type { Catalogue, Stage } from "../base/protocol";
import { plain } from "./fields";
import type { Session } from "./session";

const READ = 4000;  // milliseconds a step

export class SlowMotion {
  readonly element: HTMLElement;
  private readonly list = el("ol", { class: "stages" });
  private readonly head = el("h3");
  private readonly stop: () => void;
  private readonly itself = button("By itself", () => this.run(this.timer === null), { name: "slow-by-itself", "aria-pressed": "false" });
  private timer: number | null = null;

  constructor(private readonly session: Session, private readonly stages: Catalogue["slow_stages"]) {
    this.element = el("section", { class: "slow card stack", hidden: true, "aria-label": "Slow motion", "aria-live": "polite" },
      el("div", { class: "row" }, this.head, el("span", { class: "grow" }),
        this.itself, button("Next step", () => void session.slow(), { class: "primary", name: "next-stage" }),
        button("Leave", () => this.show(null), { class: "plain", "aria-label": "Leave slow motion" })),
      this.list);
    this.stop = session.on("stage", (stage) => this.show(stage));
  }

  close(): void {
    this.run(false);
    this.stop();
  }

  /** One step after the other, slowly enough to read each. */
  private run(on: boolean): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = on ? window.setInterval(() => void this.session.slow(), READ) : null;
    this.itself.setAttribute("aria-pressed", String(on));
    if (on) void this.session.slow();
  }

  private show(stage: Stage | null): void {
    this.element.hidden = stage === null;
    if (!stage) {
      this.run(false);
      return;
    }
    const turns = stage.moves > 1 ? `, move ${stage.move} of ${stage.moves}` : "";
    this.head.textContent = `Round ${stage.round.toLocaleString("en-GB")}, slowly${turns}`;
    const now = this.stages.findIndex((one) => one.stage === stage.stage);
    fill(this.list, ...this.stages.map((one, i) => {
      const here = i === now;
      return el("li", { "data-stage": one.stage, class: here ? "now" : i < now ? "past" : "", ...(here ? { "aria-current": "step" } : {}) },
        el("strong", {}, one.title), here ? detail(stage) : null);
    }));
  }
}

function detail(stage: Stage): HTMLElement {
  const numbers = Object.entries(stage.numbers).filter(([, value]) => value !== null)
    .map(([name, value]) => `${plain(name)} ${short(value)}`);
  const verdicts = stage.predictions?.slice(0, 4).map((p) => p.toFixed(2)).join(", ");
  if (verdicts) numbers.push(`first verdicts ${verdicts}`);
  return el("div", { class: "stack" }, el("p", {}, stage.words),
    numbers.length ? el("p", { class: "small" }, numbers.join(" · ")) : null);
}
