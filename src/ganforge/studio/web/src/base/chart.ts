/** A line chart (uPlot) with a key of live values and the findings marked on it. */

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { el, fill, say } from "./dom";
import { extent, short, tick } from "./numbers";
import type { Finding } from "./protocol";
import { lineChart } from "./svg";
import { type Colours, colours, onTheme } from "./theme";

export interface Series {
  name: string;
  colour: keyof Pick<Colours, "real" | "generated" | "discriminator" | "optimal" | "quiet" | "ink" | "arrow">;
  dash?: number[];
}

export interface ChartOptions {
  title: string;
  words?: string;
  series: Series[];
  height?: number;
  /** Shaded between two columns, which follow the series' own: their colours. */
  bands?: Series["colour"][];
  /** What the horizontal axis counts. */
  unit?: string;
}

interface Mark {
  code: string;
  severity: Finding["severity"];
  at: number;
}

type Column = (number | null)[];

export class Chart {
  readonly element: HTMLElement;
  private readonly plot: HTMLElement;
  private readonly values: HTMLElement[];
  /** Another chart with the same axes, as of the game beside; null where this one stands alone. */
  twin: Chart | null = null;
  private chart: uPlot | null = null;
  private data: [number[], ...Column[]];
  private marks: Mark[] = [];
  private readonly stops: (() => void)[] = [];
  private dirty = false;

  constructor(private readonly options: ChartOptions) {
    this.data = [[], ...options.series.map((): Column => []), ...(options.bands ?? []).flatMap((): Column[] => [[], []])];
    this.values = options.series.map(() => el("b", {}, "–"));
    const keys = options.series.map((series, i) =>
      el("span", {}, el("i", { style: `--tone: var(--${series.colour})` }), series.name, this.values[i]));
    this.plot = el("div", { class: "plot empty", role: "img", "aria-label": options.title });
    this.element = el("section", { class: "chart" },
      el("h3", {}, options.title, el("span", { class: "key" }, ...keys)),
      options.words ? el("p", { class: "small quiet" }, options.words) : null,
      this.plot);
    const seen = new ResizeObserver(() => this.fit());
    seen.observe(this.plot);
    this.stops.push(() => seen.disconnect(), onTheme(() => this.rebuild()));
  }

  /** The whole data: x ascending, one column a series, then an upper and a lower one for each band. */
  set(x: number[], ...columns: Column[]): void {
    this.data = [x, ...columns];
    this.schedule();
  }

  /** `at`: where on the horizontal axis each was first seen. */
  mark(findings: readonly Finding[], at: (finding: Finding) => number = ({ nimg }) => nimg): void {
    this.marks = findings.map((finding) => ({ code: finding.code, severity: finding.severity, at: at(finding) }));
    this.schedule();
  }

  get title(): string {
    return this.options.title;
  }

  /** The curves as a picture of its own, in the colours of the screen. */
  svg(): string {
    const [x, ...columns] = this.data;
    const tint = colours();
    const lines = this.options.series.map(({ name, colour }, i) => ({ name, colour: tint[colour], values: columns[i] ?? [] }));
    return lineChart(this.options.title, this.unit, x, lines, tint);
  }

  close(): void {
    for (const stop of this.stops) stop();
    this.chart?.destroy();
    this.chart = null;
  }

  private schedule(): void {
    if (this.dirty) return;
    this.dirty = true;
    requestAnimationFrame(() => {
      this.dirty = false;
      this.draw();
    });
  }

  private draw(): void {
    if (!this.plot.isConnected) return;
    if (!this.chart) this.rebuild();
    this.chart?.setData(this.data);
    const last = this.data[0].length - 1;
    const [x, ...columns] = this.data;
    const empty = !columns.some((column) => column.some((value) => value !== null));
    this.plot.classList.toggle("empty", empty);  // axes without data would have invented numbers
    this.show(null);
    const parts = this.options.series.map((series, i) => `${series.name} ${short(this.at(i, null))}`);
    const marks = this.marks.map(({ code, at }) => `. Marked at ${short(at)}: ${code.replaceAll("-", " ")}`).join("");
    this.plot.setAttribute("aria-label",
      empty ? `${this.options.title}: nothing yet` :
        `${this.options.title}, ${x.length} points to ${short(x[last])} ${this.unit}. Latest: ${parts.join(", ")}${marks}`);
  }

  /** The value of a series at an index; null is its latest: of several runs, not all go to the end of the axis. */
  private at(series: number, index: number | null): number | null {
    const column = this.data[series + 1] as Column | undefined;
    return (index === null ? column?.findLast((value) => value !== null) : column?.[index]) ?? null;
  }

  private show(index: number | null): void {
    this.values.forEach((value, i) => say(value, short(this.at(i, index))));
  }

  private fit(): void {
    const width = this.plot.clientWidth;
    if (!width) return;
    if (!this.chart) this.rebuild();
    else if (this.chart.width !== width) this.chart.setSize({ width, height: this.height });
  }

  private get unit(): string {
    return this.options.unit ?? "real examples shown";
  }

  private get height(): number {
    return this.options.height ?? 165;
  }

  private rebuild(): void {
    this.chart?.destroy();
    this.chart = null;
    fill(this.plot);
    const width = this.plot.clientWidth;
    if (!width) return;
    const tint = colours();
    const axis = { stroke: tint.quiet, font: "12px system-ui, sans-serif", ticks: { show: false } };
    const bands = this.options.bands ?? [];
    const edges = bands.flatMap((): uPlot.Series[] => [
      { width: 0, points: { show: false } }, { width: 0, points: { show: false } }]);
    this.chart = new uPlot({
      width,
      height: this.height,
      legend: { show: false },
      padding: [8, 26, 0, 0],
      cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
      scales: {
        x: { time: false, range: (_, low, high) => whole(...widened(low, high, this.twin?.data.slice(0, 1))) },
        y: { range: (_, low, high) => padded(...widened(low, high, this.twin?.data.slice(1))) },
      },
      axes: [
        { ...axis, size: 22, gap: 4, grid: { show: false }, space: 70, values: (_, marks) => marks.map(tick),
          label: this.unit, labelSize: 18, labelGap: 0,
          labelFont: "12px system-ui, sans-serif" },
        { ...axis, size: 46, gap: 4, grid: { stroke: tint.faint, width: 1 }, space: 34,
          values: (_, marks) => marks.map(tick) },
      ],
      series: [{}, ...this.options.series.map((series): uPlot.Series => ({
        label: series.name, stroke: tint[series.colour], width: 1.6, spanGaps: true,
        // Where there are only one or two, dots: a line would show nothing.
        points: { show: (chart) => chart.data[0].length < 3, size: 5 }, ...(series.dash ? { dash: series.dash } : {}),
      })), ...edges],
      bands: bands.map((colour, i) => ({
        series: [this.options.series.length + 1 + 2 * i, this.options.series.length + 2 + 2 * i],
        fill: `${tint[colour]}2b`,
      })),
      hooks: {
        setCursor: [(chart) => this.show(chart.cursor.idx ?? null)],
        draw: [(chart) => drawMarks(chart, this.marks, tint)],
      },
    }, this.data, this.plot);
  }
}

/** The ends of one chart's values, with those of its twin's. */
function widened(low: number | null, high: number | null, others: Column[] = []): [number | null, number | null] {
  const known = [low, high].filter((value) => value !== null);
  const [least, most] = extent([...known, ...others.flat().filter((value) => value !== null)], [NaN, NaN]);
  return Number.isNaN(least) ? [null, null] : [least, most];
}

/** From end to end; of one point alone, from nothing to it. */
function whole(low: number | null, high: number | null): [number, number] {
  return low === null || high === null ? [0, 1] : low < high ? [low, high] : [0, Math.max(1, high)];
}

/** A twentieth of room above and below, and never a span of nothing. */
function padded(low: number | null, high: number | null): [number, number] {
  if (low === null || high === null) return [0, 1];
  const span = high - low || Math.max(Math.abs(high), 1) * 0.2;
  return [low - span * 0.06, high + span * 0.06];
}

/** A dashed line where each finding was first seen, with a small flag in its severity's colour. */
function drawMarks(chart: uPlot, marks: readonly Mark[], tint: Colours): void {
  const pen = chart.ctx;
  const { left, top, width, height } = chart.bbox;
  pen.save();
  for (const mark of marks) {
    const x = chart.valToPos(mark.at, "x", true);
    if (x < left - 1 || x > left + width + 1) continue;
    pen.strokeStyle = tint[mark.severity];
    pen.fillStyle = tint[mark.severity];
    pen.lineWidth = devicePixelRatio;
    pen.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
    pen.beginPath();
    pen.moveTo(x, top);
    pen.lineTo(x, top + height);
    pen.stroke();
    pen.setLineDash([]);
    pen.beginPath();
    pen.moveTo(x, top);
    pen.lineTo(x + 8 * devicePixelRatio, top + 4 * devicePixelRatio);
    pen.lineTo(x, top + 8 * devicePixelRatio);
    pen.fill();
  }
  pen.restore();
}
