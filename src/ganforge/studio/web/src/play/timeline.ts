/** The timeline: every kept moment, to scrub back to and to branch from. */

import { el, fresh, say } from "../base/dom";
import type { Moment } from "../base/protocol";
import { colours, onTheme } from "../base/theme";
import { sharpen } from "../draw/plane";
import type { Session } from "./session";

export class Timeline {
  readonly element: HTMLElement;
  private readonly input: HTMLInputElement;
  private readonly label = el("output", { class: "small quiet" });
  private readonly map = el("canvas", { class: "branches", "aria-hidden": "true" });
  private readonly stops: (() => void)[];
  private moving = false;
  private wanted: number | null = null;

  /** `byHand` hears to which round somebody went. */
  constructor(private readonly session: Session, private readonly byHand: (round: number) => void) {
    const id = fresh("timeline");
    this.input = el("input", {
      id, type: "range", min: 0, max: 0, step: 1, value: 0, disabled: true, name: "timeline",
      oninput: () => this.went(Number(this.input.value)),
    });
    this.element = el("section", { class: "timeline" },
      el("div", { class: "row" }, el("label", { for: id }, "Timeline"), this.label), this.input, this.map);
    this.stops = [
      session.on("moments", (moments) => this.show(moments)),
      session.on("standing", () => this.show(session.moments)),
      onTheme(() => this.draw()),
    ];
    this.map.addEventListener("click", (event) => this.press(event));
    const seen = new ResizeObserver(() => this.draw());
    seen.observe(this.map);
    this.stops.push(() => seen.disconnect());
    this.show([]);
  }

  close(): void {
    for (const stop of this.stops) stop();
  }

  private show(moments: readonly Moment[]): void {
    const last = Math.max(0, moments.length - 1);
    this.input.max = String(last);
    this.input.disabled = moments.length < 2;
    const at = this.session.standing?.moment ?? null;
    const index = at === null ? last : moments.findIndex((moment) => moment.id === at);
    if (!this.moving) this.input.value = String(index < 0 ? last : index);
    this.tell(moments, at === null);
    this.draw();
  }

  private tell(moments: readonly Moment[], atPresent: boolean): void {
    const moment = moments[Number(this.input.value)];
    const branches = new Set(moments.map((one) => one.branch)).size;
    const words = moments.length < 2 ? "moments are kept as the game goes on" :
      `${atPresent ? "now" : `back at round ${moment?.round.toLocaleString("en-GB") ?? "–"}`}` +
      ` · ${moments.length} moments${branches > 1 ? ` on ${branches} branches` : ""}` +
      (atPresent ? "" : " · play goes on from here, as a new branch");
    say(this.label, words);
    this.input.setAttribute("aria-valuetext", words);
  }

  /** To the moment under the thumb; while one is on its way, only the newest wish waits. */
  private async go(index: number): Promise<void> {
    this.wanted = index;
    if (this.moving) return;
    this.moving = true;
    while (this.wanted !== null) {
      const moment: Moment | undefined = this.session.moments[this.wanted];
      this.wanted = null;
      if (moment) await this.session.rewind(moment.id);
    }
    this.moving = false;
    this.show(this.session.moments);
  }

  /** To the moment nearest to where the map is pressed. */
  private press(event: MouseEvent): void {
    const { moments } = this.session;
    const box = this.map.getBoundingClientRect();
    const place = placing(moments, box.width);
    const away = moments.map((moment) => {
      const [x, y] = place(moment);
      return Math.hypot(x - (event.clientX - box.left), 2 * (y - (event.clientY - box.top)));
    });
    const index = away.indexOf(Math.min(...away));
    if (index < 0) return;
    this.input.value = String(index);
    this.went(index);
  }

  private went(index: number): void {
    const moment = this.session.moments[index];
    if (moment) this.byHand(moment.round);
    void this.go(index);
  }

  /** To the moment nearest to a round, as another game goes there. */
  near(round: number): void {
    const away = this.session.moments.map((moment) => Math.abs(moment.round - round));
    if (away.length < 2) return;
    const index = away.indexOf(Math.min(...away));
    this.input.value = String(index);
    void this.go(index);
  }

  /** Branches as lines, one under the other, each from the moment where it left its parent. */
  private draw(): void {
    const { moments } = this.session;
    const branches = branchesOf(moments);
    this.map.hidden = branches.length < 2;
    if (branches.length < 2) return;
    this.map.style.height = `${Math.min(6, branches.length) * 10 + 6}px`;
    const sharp = sharpen(this.map);
    if (!sharp) return;
    const tint = colours();
    const { pen, width } = sharp;
    const byId = new Map(moments.map((moment) => [moment.id, moment]));
    const place = placing(moments, width);
    pen.strokeStyle = tint.quiet;
    pen.lineWidth = 1.2;
    for (const moment of moments) {
      const parent = moment.parent === null ? undefined : byId.get(moment.parent);
      if (!parent) continue;
      pen.beginPath();
      pen.moveTo(...place(parent));
      pen.lineTo(...place(moment));
      pen.stroke();
    }
    const at = this.session.standing?.moment ?? moments[moments.length - 1]?.id;
    for (const moment of moments) {
      pen.fillStyle = moment.id === at ? tint.generated : tint.quiet;
      pen.beginPath();
      pen.arc(...place(moment), moment.id === at ? 4 : 1.8, 0, 6.2832);
      pen.fill();
    }
  }
}

/** Where each moment lies on a map so wide: examples across, branches downwards. */
function placing(moments: readonly Moment[], width: number): (moment: Moment) => [number, number] {
  const branches = branchesOf(moments);
  const furthest = Math.max(1, ...moments.map((moment) => moment.nimg));
  return (moment) => [6 + (moment.nimg / furthest) * (width - 12), 8 + Math.min(5, branches.indexOf(moment.branch)) * 10];
}

function branchesOf(moments: readonly Moment[]): number[] {
  return [...new Set(moments.map((moment) => moment.branch))].sort((a, b) => a - b);
}
