/** One run on the screen: state, pictures, scores, curves with findings, logits, gradients, commands. */

import { post } from "../base/api";
import { Chart } from "../base/chart";
import { openDialog } from "../base/dialog";
import { button, el, fill, say } from "../base/dom";
import { refused, word } from "../base/notices";
import { duration, short } from "../base/numbers";
import type { Command, LogLine, TaskMessage } from "../base/protocol";
import { colours, onTheme } from "../base/theme";
import { type Bell, drawBells } from "../draw/bells";
import { sharpen } from "../draw/plane";
import { plain } from "../play/fields";
import { findingList } from "../play/findings";
import { comparable, edge, headline, latestExamination, lineAt, means, thinned } from "./columns";
import { Film } from "./film";
import { scoreTable } from "./scores";
import type { Hidden } from "./hidden";
import { firstSeen, type Followed, type WatchSource } from "./source";
import { stateBadge } from "./state";

export class RunPanel {
  readonly element: HTMLElement;
  readonly film: Film;
  private readonly state = el("span", {});
  private readonly facts = el("dl", { class: "facts" });
  private readonly commands = el("div", { class: "row commands" });
  private readonly task = el("p", { class: "small", role: "status" });
  /** Why nothing of it can be shown, in one line. */
  private readonly fault = el("p", { class: "card", role: "status", hidden: true, "data-fault": "" });
  private readonly body: HTMLElement;
  private readonly scores = scoreTable();
  private readonly found = findingList(null);
  private readonly bells = el("canvas", { class: "bells", role: "img", "aria-label": "Logits" });
  private readonly score = new Chart({ title: "Score", series: [
    { name: "score", colour: "ink" }, { name: "best possible", colour: "quiet", dash: [5, 4] }], bands: ["quiet"] });
  private readonly losses = new Chart({ title: "Losses", series: [
    { name: "discriminator", colour: "discriminator" }, { name: "generator", colour: "generated" }] });
  private readonly logits = new Chart({ title: "Logits, mean and deviation", series: [
    { name: "reals", colour: "real" }, { name: "fakes", colour: "generated" }], bands: ["real", "generated"] });
  private readonly gradients = new Chart({ title: "Gradient norms", height: 138, series: [
    { name: "discriminator", colour: "discriminator" }, { name: "generator", colour: "generated" }] });
  private readonly stops: (() => void)[] = [];
  private at = Infinity;
  private newest = 0;
  /** Findings are of the newest state, whatever moment is looked at. */
  private readonly earlier = el("p", { class: "small quiet", hidden: true, "data-earlier": "" });
  private exporting: string | null = null;
  private shownCommands = "";

  constructor(
    private readonly one: Followed, private readonly source: WatchSource, name: string,
    private readonly leave: () => void,
    moved: (progress: number) => void, private readonly hider: Pick<Hidden, "has" | "turn">,
  ) {
    this.film = new Film(one.run, (nimg, progress, byHand) => {
      const { samples } = this.one;
      this.at = nimg === samples[samples.length - 1]?.nimg ? Infinity : nimg;
      this.atMoment();
      if (byHand) moved(progress);
    });
    this.score.element.hidden = true;
    this.body = el("div", { class: "run-body" }, this.facts, this.commands, this.task,
      el("div", { class: "halves" },
        el("div", { class: "stack wide" }, this.film.element,
          el("section", { class: "chart" }, el("h3", {}, "Logits at this moment",
            el("span", { class: "key" }, ...([["real", "reals"], ["generated", "fakes"], ["optimal", "held out"]] as const)
              .map(([colour, words]) => el("span", {}, el("i", { style: `--tone: var(--${colour})` }), words)))), this.bells)),
        el("div", { class: "stack wide" }, el("div", { class: "stack" }, this.found.element, this.earlier), this.scores.element, this.score.element,
          this.logits.element, this.losses.element, this.gradients.element)));
    this.element = el("article", { class: "run-panel", "data-run": one.run },
      el("header", { class: "row" }, el("h2", {}, name), this.state, el("span", { class: "grow" }),
        button("Put away", leave, { class: "plain", "aria-label": `Put away ${name}` })),
      this.fault, this.body);
    const seen = new ResizeObserver(() => this.atMoment());
    seen.observe(this.bells);
    this.stops.push(() => seen.disconnect(), onTheme(() => this.atMoment()),
      source.on("changed", (changed) => changed.run === one.run && this.show()),
      source.on("task", (task) => this.told(task)));
    this.show();
  }

  close(): void {
    for (const stop of this.stops) stop();
    for (const chart of [this.score, this.losses, this.logits, this.gradients]) chart.close();
    this.element.remove();
  }

  /** It is not among the runs: there is nothing to show, and nothing to press. */
  missing(): void {
    this.tellFault("There is no such run here: it was moved or deleted, or has not begun yet.");
  }

  private tellFault(words: string | null): void {
    say(this.fault, words ?? "");
    this.fault.hidden = words === null;
    this.body.hidden = words !== null;
  }

  private show(): void {
    const { summary, samples, events } = this.one;
    if (summary) {
      this.tellFault(summary.error === null ? null : `Nothing of this run can be shown: ${summary.error}.`);
      if (summary.error !== null) {
        fill(this.state);
        return;
      }
      fill(this.state, stateBadge(summary.state));
      const left = summary.state === "training" ? summary.seconds_left ?? null : null;
      const facts: [string, string][] = [
        ["examples", `${short(summary.nimg)}${summary.total_nimg ? ` of ${short(summary.total_nimg)}` : ""}`],
        ...(left === null ? [] : [["time left", `about ${duration(left)}`] satisfies [string, string]]),
        ["time so far", duration(summary.seconds)],
        ["examples a second", short(summary.examples_a_second)],
        ["device", summary.device ?? "–"], ["recipe", summary.recipe], ["data", summary.data], ["each example", summary.space],
      ];
      fill(this.facts, ...facts.map(([title, value]) => el("div", {}, el("dt", {}, title), el("dd", {}, value))));
      this.found.show(summary.findings, summary.verdict.words);
      this.newest = summary.nimg;
      this.showCommands(summary.state);
    }
    this.film.set(samples, this.one.read);
    const lines = thinned(this.one.lines);
    const x = lines.map((line) => line.nimg);
    this.losses.set(x, means(lines, "discriminator_loss"), means(lines, "generator_loss"));
    this.gradients.set(x, means(lines, "discriminator_gradient"), means(lines, "generator_gradient"));
    this.logits.set(x, means(lines, "real_logits"), means(lines, "fake_logits"),
      edge(lines, "real_logits", 1), edge(lines, "real_logits", -1),
      edge(lines, "fake_logits", 1), edge(lines, "fake_logits", -1));
    const { key, points: all } = headline(this.one.lines);
    const points = comparable(all);
    this.score.element.hidden = points.length === 0;
    this.score.element.querySelector("h3")?.firstChild?.replaceWith(`Score: ${plain(key)}`);
    this.score.set(points.map((point) => point.nimg), points.map((point) => point.value), points.map((point) => point.floor),
      points.map((point) => point.high), points.map((point) => point.low));
    const marks = firstSeen(events);
    for (const chart of [this.score, this.losses, this.logits, this.gradients]) chart.mark(marks);
    this.atMoment();
  }

  /** What belongs to the picture shown: scores and logits of that moment. */
  private atMoment(): void {
    const { lines } = this.one;
    this.scores.show(latestExamination(lines, this.at));
    this.earlier.hidden = this.at === Infinity;
    say(this.earlier, `Found after ${short(this.newest)} examples; the picture and the scores are those of an earlier moment.`);
    const line = lineAt(lines, this.at);
    const sharp = sharpen(this.bells);
    if (!line || !sharp) return;
    const bells = bellsOf(line, latestExamination(lines, this.at));
    drawBells(sharp.pen, sharp.width, sharp.height, bells, colours());
    this.bells.setAttribute("aria-label", `Logits after ${short(line.nimg)} examples: ${
      bells.map((bell) => `${bell.name} ${short(bell.mean)} with deviation ${short(bell.deviation)}`).join(", ")}`);
  }

  private showCommands(state: string): void {
    if (state === this.shownCommands) return;
    this.shownCommands = state;
    const live = state === "training" || state === "paused";
    const send = (title: string, command: Command): HTMLButtonElement =>
      button(title, () => void this.command(command), { name: command });
    fill(this.commands,
      live ? send(state === "paused" ? "Resume" : "Pause", state === "paused" ? "resume" : "pause") : null,
      live ? send("Stop", "stop") : null, live ? send("Save now", "save") : null,
      button("Export …", () => this.askExport(), { name: "export" }),
      el("a", { class: "button", href: `#/explore?model=${encodeURIComponent(this.one.run)}` }, "Explore it"),
      live ? null : el("a", { class: "button", target: "_blank", rel: "noopener",
        href: `/api/watch/report?run=${encodeURIComponent(this.one.run)}` }, "Report"),
      this.hideButton(),
      live ? null : button("Delete …", () => this.askDelete(), { name: "delete" }));
  }

  /** Out of the list and back; nothing of the folder changes. */
  private hideButton(): HTMLButtonElement {
    const { path } = this.one.summary ?? { path: "" };
    const title = (): string => (this.hider.has(path) ? "Show in the list" : "Hide from the list");
    const press: HTMLButtonElement = button(title(), () => {
      this.hider.turn(path);
      say(press, title());
    }, { name: "hide" });
    return press;
  }

  private async command(command: Command): Promise<void> {
    try {
      word(await this.source.command(this.one.run, command));
    } catch (error) {
      refused(error);
    }
  }

  private askExport(): void {
    const start = (form: "folder" | "onnx") => (): void => {
      dialog.close();
      post<{ task: string }>("/api/watch/export", { run: this.one.run, form })
        .then(({ task }) => {
          this.exporting = task;
          say(this.task, "Exporting …");
        }).catch(refused);
    };
    const dialog = openDialog("Export the generator", el("div", { class: "stack" },
      el("p", {}, ["training", "paused"].includes(this.one.summary?.state ?? "") ?
        "The run saves first; what is written is the generator as it is then, whatever moment is looked at, with its card." :
        "As it was saved last, whatever moment is looked at, with its card."),
      el("div", { class: "row" }, button("As a model folder", start("folder"), { class: "primary" }),
        button("As ONNX", start("onnx")))));
  }

  private askDelete(): void {
    const path = this.one.summary?.path ?? this.one.run;
    const sure = (): void => {
      dialog.close();
      post<{ words: string }>("/api/watch/delete", { run: this.one.run, path })
        .then(({ words }) => {
          word(words);
          this.leave();
        }).catch(refused);
    };
    const dialog = openDialog("Delete this run", el("div", { class: "stack" },
      el("p", {}, "Its folder and all that is in it: checkpoints, samples, log and report. It cannot be brought back."),
      el("p", {}, el("code", {}, path)),
      el("div", { class: "row" }, button("Delete the folder", sure, { class: "primary", name: "delete-surely" }))));
  }

  private told(task: TaskMessage): void {
    if (task.task !== this.exporting) return;
    const share = task.done === null ? "" : ` ${Math.round(task.done * 100)} %`;
    say(this.task, task.state === "running" ? `${task.words}${share}` : task.words);
    if (task.state !== "running") this.exporting = null;
    if (task.state === "failed") refused(new Error(task.words));
  }
}

function bellsOf(line: LogLine, examined: LogLine | null): Bell[] {
  const bells: Bell[] = [];
  const put = (name: string, note: { mean: number | null; deviation: number | null } | undefined,
    colour: Bell["colour"], dash: number[]): void => {
    if (note?.mean === null || note?.mean === undefined) return;
    bells.push({ name, mean: note.mean, deviation: note.deviation ?? 0, colour, dash });
  };
  put("reals", line.real_logits, "real", []);
  put("fakes", line.fake_logits, "generated", []);
  put("held out", examined?.examination?.judged?.["held_out"], "optimal", [5, 4]);
  return bells;
}
