/** Several runs at once: their scores over one another, and the settings in which they differ. */

import { get } from "../base/api";
import { Chart, type Series } from "../base/chart";
import { el, fill } from "../base/dom";
import { short } from "../base/numbers";
import { plain } from "../play/fields";
import { headline, type ScorePoint } from "./columns";
import type { Followed, WatchSource } from "./source";

const LOOKS: readonly Omit<Series, "name">[] = [
  { colour: "generated" }, { colour: "discriminator" }, { colour: "real" }, { colour: "ink" },
  { colour: "generated", dash: [6, 4] }, { colour: "discriminator", dash: [6, 4] },
  { colour: "real", dash: [6, 4] }, { colour: "ink", dash: [6, 4] },
];

const FEW = 8;  // differing settings that stand above the runs

type Settings = Map<string, string>;

export class Comparison {
  readonly element = el("section", { class: "comparison stack", "aria-label": "Side by side", tabindex: 0, hidden: true });
  private readonly plots = el("div", {});
  private readonly table = el("table", { class: "scores differences" });
  /** Of runs that have little in common: not in the way of their pictures. */
  private readonly many = el("details", { hidden: true });
  private readonly settings = new Map<string, Settings>();
  private readonly stop: () => void;
  private readonly charts = new Map<string, Chart>();
  private charted = "";
  private runs: string[] = [];

  constructor(private readonly source: WatchSource) {
    this.element.append(this.plots, this.table, this.many);
    this.stop = source.on("changed", (one) => this.runs.includes(one.run) && this.show());
  }

  close(): void {
    this.stop();
    for (const chart of this.charts.values()) chart.close();
  }

  /** These runs, in this order; fewer than two have nothing to be compared with. */
  of(runs: readonly string[]): void {
    this.runs = [...runs];
    for (const run of runs) {
      if (this.settings.has(run)) continue;
      this.settings.set(run, new Map());
      get<{ settings: Record<string, unknown>; data: { source?: string } | null }>(`/api/watch/run?run=${encodeURIComponent(run)}`)
        .then(({ settings, data }) => {
          const told = Object.entries(settings).map(([key, value]): [string, string] => [key, String(value ?? "–")]);
          this.settings.set(run, new Map([["data", data?.source ?? ""], ...told]));
          this.show();
        }).catch(() => this.settings.delete(run));  // a run that is not there says so itself
    }
    this.show();
  }

  private show(): void {
    const some = this.runs.map((run) => this.source.followed.get(run)).filter((one): one is Followed => one !== undefined);
    this.element.hidden = some.length < 2;
    if (this.element.hidden) return;
    const names = some.map((one) => one.summary?.name ?? one.run);
    this.draw(some, names);
    const facts: [string, string[]][] = [
      ["score", some.map(({ summary }) => (summary?.score ? `${plain(summary.score.key)} ${short(summary.score.value)}` : "–"))],
      ["examples shown", some.map(({ summary }) => short(summary?.nimg ?? null))],
      ["verdict", some.map(({ summary }) => summary?.verdict.words ?? "")],
    ];
    const keys = [...new Set(some.flatMap((one) => [...(this.settings.get(one.run)?.keys() ?? [])]))];
    const rows = keys.map((key): [string, string[]] => [key, some.map((one) => this.settings.get(one.run)?.get(key) ?? "–")]);
    const differ = rows.filter(([, values]) => new Set(values).size > 1);
    const head = (): HTMLElement => el("thead", {}, el("tr", {},
      el("th", { scope: "col" }, "setting"), ...names.map((name) => el("th", { scope: "col" }, name))));
    const body = (all: [string, string[]][]): HTMLElement => el("tbody", {}, ...all.map(([key, values]) =>
      el("tr", {}, el("th", { scope: "row" }, key), ...values.map((value) => el("td", {}, value)))));
    const few = differ.length <= FEW;
    fill(this.table,
      el("caption", {}, differ.length > 0 ? "What differs" : "No setting differs",
        el("span", { class: "quiet small" }, ` ${rows.length - differ.length} settings are the same`)),
      head(), body([...facts, ...(few ? differ : [])]));
    this.many.hidden = few;
    fill(this.many, el("summary", {}, `${differ.length} settings differ`),
      el("table", { class: "scores differences" }, head(), body(differ)));
  }

  /** One chart a score, one curve a run: only runs that are judged by one score have a common axis. */
  private draw(some: readonly Followed[], names: readonly string[]): void {
    const heads = some.map((one) => headline(one.lines));
    const measured = heads.filter((head) => head.points.some((point) => point.value !== null));
    const keys = [...new Set(measured.map((head) => head.key))];
    const of = (key: string): number[] => heads.flatMap((head, i) => (head.key === key ? [i] : [])).slice(0, LOOKS.length);
    const wanted = JSON.stringify(keys.map((key) => [key, of(key).map((i) => names[i])]));
    if (this.charted !== wanted) {
      this.charted = wanted;
      for (const chart of this.charts.values()) chart.close();
      this.charts.clear();
      for (const key of keys) {
        const series = of(key).map((i, look): Series => ({ name: names[i] ?? "", ...LOOKS[look]! }));
        this.charts.set(key, new Chart({ title: `Score: ${plain(key)}`, height: 200, series }));
      }
      fill(this.plots, ...[...this.charts.values()].map((chart) => chart.element));
    }
    for (const [key, chart] of this.charts) {
      const curves = of(key).map((i) => heads[i]?.points ?? []);
      const x = [...new Set(curves.flatMap((points) => points.map((point) => point.nimg)))].sort((a, b) => a - b);
      chart.set(x, ...curves.map((points) => column(points, x)));
    }
  }
}

/** The values of a curve where it was measured; the chart draws through what lies between. */
function column(points: readonly ScorePoint[], x: readonly number[]): (number | null)[] {
  const known = new Map(points.map((point) => [point.nimg, point.value]));
  return x.map((nimg) => known.get(nimg) ?? null);
}
