/** One game on the screen: the picture, its numbers, its curves, its findings and its timeline. */

import type { Chart } from "../base/chart";
import { button, el } from "../base/dom";
import { clearNotice, lost, refused, word } from "../base/notices";
import type { Catalogue, Finding, Settings } from "../base/protocol";
import { gameCharts } from "./charts";
import { GameDrawing } from "./drawn";
import { changesInWords, findingList } from "./findings";
import { Facts } from "./facts";
import { saveDialog } from "./save";
import { Session } from "./session";
import { SlowMotion } from "./slow";
import { GameStage } from "./stage";
import { Timeline } from "./timeline";

const NARROW = matchMedia("(max-width: 1100px)");

export interface ArenaOptions {
  title: string;
  settings: Settings;
  catalogue: Catalogue;
  /** The session to go on with, or null for a new one. */
  former: string | null;
  /** Beside its title. */
  extras: Node[];
  /** Hears to which round somebody went on its timeline. */
  scrubbed: (round: number) => void;
  /** Takes it off the screen; null where it must stay. */
  leave: (() => void) | null;
}

export class Arena {
  readonly element: HTMLElement;
  readonly session: Session;
  private readonly title = el("h2", {});
  private readonly stage: GameStage;
  private readonly timeline: Timeline;
  private readonly slow: SlowMotion;
  private readonly drawing: GameDrawing;
  private readonly charts: Chart[];
  private readonly facts = new Facts();
  private readonly over = el("div", { class: "over card", hidden: true, role: "alert" });
  private seen: Finding[] = [];

  constructor(options: ArenaOptions) {
    this.session = new Session(options.settings, options.former);
    const { session } = this;
    this.stage = new GameStage(session);
    this.drawing = new GameDrawing(session, (picked) => this.stage.enlarge(picked));
    this.timeline = new Timeline(session, options.scrubbed);
    this.slow = new SlowMotion(session, options.catalogue.slow_stages);
    const graphs = gameCharts();
    this.charts = graphs.map(({ chart }) => chart);
    const found = findingList((finding) => void this.remedy(finding));
    this.title.textContent = options.title;
    this.element = el("article", { class: "arena" },
      el("header", { class: "row" }, this.title, el("span", { class: "grow" }),
        ...options.extras, button("Save …", () => saveDialog(this.name, this.stage, this.session, this.charts), { name: "save" }),
        options.leave ? button("Close this one", options.leave, { class: "plain" }) : null),
      this.over, this.drawing.element,
      el("div", { class: "board-and-facts" },
        el("div", { class: "stack" }, this.stage.element, this.timeline.element),
        el("div", { class: "stack wide side" }, this.slow.element, this.facts.element, found.element),
        el("div", { class: "stack wide" }, ...this.charts.map((chart) => chart.element))));
    this.place();
    NARROW.addEventListener("change", this.place);
    session.on("frame", (frame) => this.facts.show(frame.header, session.scene?.header ?? null));
    session.on("scene", () => this.facts.show(null, session.scene?.header ?? null));
    session.on("curves", (curves) => {
      for (const graph of graphs) graph.set(curves, session.scene?.header ?? null);
    });
    session.on("findings", ({ findings, verdict }) => {
      found.show(findings, verdict);
      this.mark(findings);
    });
    session.on("standing", ({ findings }) => found.show(findings, session.verdict));
    session.on("refused", refused);
    session.on("link", (state) => {
      if (state === "lost") lost("play", "The connection to the studio is lost, or it is full; trying again.");
      if (state === "open") clearNotice("play");
      this.element.dataset["link"] = state;
    });
    session.on("ended", (why) => this.end(why));
  }

  get name(): string {
    return this.title.textContent;
  }

  rename(title: string): void {
    this.title.textContent = title;
  }

  /** Beside another game there is room for the pictures alone, and the curves have the axes of both. */
  beside(other: Arena | null): void {
    this.drawing.room(other === null);
    this.charts.forEach((chart, i) => {
      chart.twin = other?.charts[i] ?? null;
    });
  }

  /** To about that round, as the game beside goes. */
  goTo(round: number): void {
    this.timeline.near(round);
  }

  /** The drawing is above the picture; where there is less room, below it. */
  private readonly place = (): void => {
    if (NARROW.matches) this.stage.element.after(this.drawing.element);
    else this.over.after(this.drawing.element);
  };

  /** `kept`: the game can be come back to. */
  close(kept = false): void {
    if (kept) this.session.leave();
    else this.session.close();
    NARROW.removeEventListener("change", this.place);
    this.drawing.close();
    this.stage.close();
    this.timeline.close();
    this.slow.close();
    for (const chart of this.charts) chart.close();
    this.element.remove();
  }

  /** Where a finding is first seen it stays marked, until the game begins anew. */
  private mark(findings: readonly Finding[]): void {
    if (findings.length === 0 && this.session.curves.length === 0) this.seen = [];
    for (const finding of findings) {
      if (["warning", "failure"].includes(finding.severity) && !this.seen.some((one) => one.code === finding.code)) this.seen.push(finding);
    }
    for (const chart of this.charts) chart.mark(this.seen, ({ nimg }) => this.session.curves.roundAt(nimg));
  }

  private async remedy(finding: Finding): Promise<void> {
    const playing = this.session.playing;
    await this.session.set(finding.changes, "if_needed");
    word(`The remedy is in the settings now: ${changesInWords(finding.changes)}.`);
    if (playing) await this.session.play();
  }

  private end(why: string): void {
    this.over.hidden = false;
    this.over.replaceChildren(el("p", {}, why), button("Begin again with these settings", () => {
      this.over.hidden = true;
      void this.session.reset();
    }, { class: "primary" }));
  }
}
