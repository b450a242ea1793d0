/** The curves of a game. */

import { Chart, type ChartOptions } from "../base/chart";
import type { SceneHeader } from "../base/protocol";
import type { Curves } from "./history";

export interface Graph {
  chart: Chart;
  set(curves: Curves, scene: SceneHeader | null): void;
}

const PLAYERS: ChartOptions["series"] = [
  { name: "discriminator", colour: "discriminator" }, { name: "generator", colour: "generated" }];

const GRAPHS: readonly { options: ChartOptions; columns: readonly string[]; always: boolean }[] = [
  { options: { title: "Losses", series: PLAYERS }, columns: ["discriminator_loss", "generator_loss"], always: true },
  { options: { title: "Logits", words: "above 0 is ‘real’, below is ‘generated’", series: [
    { name: "reals", colour: "real" }, { name: "fakes", colour: "generated" }] },
  columns: ["real_logits", "fake_logits"], always: true },
  { options: { title: "Gradient norms", height: 128, series: PLAYERS },
    columns: ["discriminator_gradient", "generator_gradient"], always: true },
  { options: { title: "Divergence from the data, bits", height: 140, series: [
    { name: "Jensen–Shannon", colour: "ink" }, { name: "Kullback–Leibler", colour: "optimal" }] },
  columns: ["js", "kl"], always: false },
  { options: { title: "Shares", words: "of the samples that are good, and of the modes that are covered", height: 140, series: [
    { name: "good samples", colour: "ink" }, { name: "modes", colour: "optimal" }] },
  columns: ["good_share", "modes_covered"], always: false },
];

/** `set` shows what there is; curves that these data have no numbers for are left out. */
export function gameCharts(): Graph[] {
  return GRAPHS.map(({ options, columns, always }) => {
    const chart = new Chart({ ...options, unit: "rounds" });
    chart.element.hidden = !always;
    return { chart, set: (curves, scene) => {
      const modes = scene?.modes ?? 1;  // of a single one nothing is to be covered
      const read = columns.map((name) => {
        const column = curves.column(name);
        return name === "modes_covered" ? column.map((value) => (value === null || modes < 2 ? null : value / modes)) : column;
      });
      chart.element.hidden = !always && !read.some((column) => column.some((value) => value !== null));
      chart.set(curves.x(), ...read);
    } };
  });
}
