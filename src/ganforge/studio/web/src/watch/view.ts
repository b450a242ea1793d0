/** The view Watch: the list of runs, and those chosen side by side. */

import { replaceAddress } from "../base/address";
import { el, fill, say } from "../base/dom";
import { clearNotice, lost, refused } from "../base/notices";
import { duration, short } from "../base/numbers";
import type { About, RunSummary } from "../base/protocol";
import { plain } from "../play/fields";
import type { View } from "../play/view";
import { Comparison } from "./compare";
import { Hidden, storage } from "./hidden";
import { RunPanel } from "./panel";
import { WatchSource } from "./source";
import { stateBadge } from "./state";

export async function watchView(main: HTMLElement, about: About, query: URLSearchParams): Promise<View> {
  return new WatchView(main, about, query);
}

type Order = (a: RunSummary, b: RunSummary) => number;

/** Runs without a score come last. */
const far = (run: RunSummary): number => run.score?.value ?? Infinity;
const ORDERS: readonly [string, string, Order | null][] = [
  ["newest", "newest first", null],
  ["name", "name", (a, b): number => a.name.localeCompare(b.name, "en", { numeric: true })],
  // Only values of one score can be compared.
  ["score", "score, lowest first", (a, b): number => (a.score?.key ?? "~").localeCompare(b.score?.key ?? "~") || (far(a) === far(b) ? 0 : far(a) - far(b))],
  ["examples", "most examples", (a, b): number => b.nimg - a.nimg],
];
const STATES = ["training", "paused", "finished", "stopped", "diverged", "unknown"] as const;

class WatchView implements View {
  private readonly source = new WatchSource();
  private readonly list = el("ul", { class: "run-list" });
  private readonly holder = el("div", { class: "run-panels" });
  private readonly panels = new Map<string, RunPanel>();
  private readonly together: HTMLInputElement;
  private readonly entries = new Map<string, { element: HTMLElement; key: string }>();
  private wanted: string[];
  private chose = false;
  private readonly search: HTMLInputElement;
  private readonly order: HTMLSelectElement;
  private readonly state: HTMLSelectElement;
  private readonly count = el("p", { class: "small quiet", role: "status" });
  private readonly comparison = new Comparison(this.source);
  private readonly hidden = new Hidden(storage());

  constructor(main: HTMLElement, about: About, query: URLSearchParams) {
    this.wanted = query.getAll("run");
    this.chose = this.wanted.length > 0;
    this.together = el("input", { type: "checkbox", id: "together", checked: true });
    const again = (): void => this.listed(this.source.runs);
    const choices = (name: string, options: readonly (readonly [string, string])[]): HTMLSelectElement =>
      el("select", { id: `runs-${name}`, name: `runs-${name}`, onchange: again },
        ...options.map(([value, words]) => el("option", { value }, words)));
    this.search = el("input", { id: "runs-search", name: "runs-search", type: "text", oninput: again,
      placeholder: "name, data, recipe, verdict" });
    this.order = choices("order", ORDERS.map(([name, words]) => [name, words] as const));
    this.state = choices("state", [["", "all"], ...STATES.map((state) => [state, state] as const), ["hidden", "hidden"]]);
    const labelled = (title: string, field: HTMLElement): HTMLElement =>
      el("div", { class: "field" }, el("label", { for: field.id, class: "small" }, title), field);
    fill(main, el("div", { class: "watch" },
      el("aside", { class: "sidebar stack", "aria-label": "Runs" }, el("h2", {}, "Runs"),
        el("p", { class: "small quiet" }, `In ${about.roots.join(", ") || "no folder"}. Choose one, or several to see side by side.`),
        el("div", { class: "check" }, this.together, el("label", { for: "together", class: "small" }, "move through time together")),
        labelled("search", this.search),
        el("div", { class: "run-filters" }, labelled("sort by", this.order), labelled("state", this.state)),
        this.count, this.list),
      el("div", { class: "stack wide" }, this.comparison.element, this.holder)));
    this.source.on("runs", (runs) => this.listed(runs));
    this.source.on("refused", refused);
    this.source.on("link", (state) => {
      if (state === "lost") lost("watch", "The connection to the studio is lost, or it is full; trying again.");
      if (state === "open") clearNotice("watch");
    });
    this.place();
  }

  close(): void {
    for (const panel of this.panels.values()) panel.close();
    this.comparison.close();
    this.source.close();
  }

  private listed(runs: RunSummary[]): void {
    if (!this.chose && runs[0]) {
      this.chose = true;
      this.wanted = [runs[0].run];
      this.place();
    }
    for (const [run, panel] of this.panels) if (!runs.some((one) => one.run === run)) panel.missing();
    if (runs.length === 0) {
      fill(this.list, el("li", { class: "quiet" }, "No runs yet. Start one with: ", el("code", {}, "gan train digits --studio")));
      return;
    }
    const present = new Set(runs.map((run) => run.run));
    for (const run of [...this.entries.keys()]) if (!present.has(run)) this.entries.delete(run);
    const shown = this.sifted(runs);
    const away = runs.filter((run) => this.hidden.has(run.path)).length;
    say(this.count, (shown.length === runs.length ? `${runs.length} runs` : `${shown.length} of ${runs.length} runs`) +
      (away > 0 ? `, ${away} hidden` : ""));
    const items = shown.map((run) => {
      const chosen = this.wanted.includes(run.run);
      const key = JSON.stringify([run, chosen]);
      const known = this.entries.get(run.run);
      if (known?.key === key) return known.element;
      const fresh = this.entry(run, chosen);
      // The list changes while someone's focus may be in it: the entry keeps its place and its focus.
      const focused = known?.element.contains(document.activeElement);
      known?.element.replaceWith(fresh);
      if (focused) fresh.querySelector("button")?.focus();
      this.entries.set(run.run, { element: fresh, key });
      return fresh;
    });
    if (items.length !== this.list.children.length || items.some((item, i) => this.list.children[i] !== item)) {
      fill(this.list, ...items);
    }
    for (const run of this.wanted) if (!this.panels.has(run)) this.place();
  }

  /** Those that have every word that is searched for, in the order that is wished for. */
  private sifted(runs: RunSummary[]): RunSummary[] {
    const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const state = this.state.value;
    const found = runs.filter((run) => {
      const text = `${run.run} ${run.name} ${run.data} ${run.recipe} ${run.verdict.words} ${run.error ?? ""}`.toLowerCase();
      if (this.hidden.has(run.path) !== (state === "hidden")) return false;
      return (state === "" || state === "hidden" || run.state === state) && words.every((word) => text.includes(word));
    });
    const by = ORDERS.find(([name]) => name === this.order.value)?.[2];
    return by ? found.sort(by) : found;  // as the server lists them: the newest first
  }

  private entry(run: RunSummary, chosen: boolean): HTMLElement {
    const share = run.total_nimg ? Math.min(1, run.nimg / run.total_nimg) : null;
    const said = run.error ?? [
      run.data.replace(/[\\/]+$/, "").split(/[\\/]/).pop(), run.score ? `${plain(run.score.key)} ${short(run.score.value)}` : "",
      run.state === "training" && run.seconds_left ? `${duration(run.seconds_left)} left` : ""].filter(Boolean).join(" · ");
    return el("li", {}, el("button", {
      type: "button", class: "run-entry", "aria-pressed": String(chosen), "data-entry": run.run,
      onclick: () => this.toggle(run.run),
    },
    run.picture ? el("img", { alt: "", loading: "lazy",
      src: `/api/watch/sample?run=${encodeURIComponent(run.run)}&file=${encodeURIComponent(run.picture)}` }) :
      el("span", { class: "no-picture" }),
    el("span", { class: "run-words" },
      el("span", { class: "row" }, el("strong", {}, run.name), stateBadge(run.state)),
      el("span", { class: "small quiet" }, said),
      run.verdict.words ? el("span", { class: `small tone ${run.verdict.severity}` }, run.verdict.words) : null,
      share !== null && run.state === "training" ? el("span", { class: "progress", style: `--share: ${share}` }) : null)));
  }

  /** For the panels: whether a run is hidden, and a press that turns it. */
  private readonly hider = {
    has: (path: string): boolean => this.hidden.has(path),
    turn: (path: string): void => {
      this.hidden.turn(path);
      this.listed(this.source.runs);
    },
  };

  private toggle(run: string): void {
    this.wanted = this.wanted.includes(run) ? this.wanted.filter((one) => one !== run) : [...this.wanted, run];
    this.place();
    this.listed(this.source.runs);
  }

  private place(): void {
    for (const [run, panel] of this.panels) {
      if (this.wanted.includes(run)) continue;
      panel.close();
      this.panels.delete(run);
      this.source.unfollow(run);
    }
    for (const run of this.wanted) {
      if (this.panels.has(run)) continue;
      const name = this.source.runs.find((one) => one.run === run)?.name ?? run.replace(/^\d+:/, "");
      const panel = new RunPanel(this.source.follow(run), this.source, name, () => this.toggle(run),
        (progress) => this.moved(run, progress), this.hider);
      this.panels.set(run, panel);
      this.holder.append(panel.element);
    }
    this.holder.dataset["count"] = String(this.panels.size);
    this.comparison.of(this.wanted);
    const query = new URLSearchParams(this.wanted.map((run) => ["run", run]));
    replaceAddress("watch", query);
  }

  private moved(by: string, progress: number): void {
    if (!this.together.checked) return;
    for (const [run, panel] of this.panels) if (run !== by) panel.film.to(progress);
  }
}
