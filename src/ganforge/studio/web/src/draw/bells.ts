/** Logits of reals and fakes as distributions: bell curves of their recorded mean and deviation. Pure drawing. */

import { tick } from "../base/numbers";
import type { Colours } from "../base/theme";
import { NO_MARGIN, type Pen, type Plane, ticks, toX, toY } from "./plane";

export interface Bell {
  name: string;
  mean: number;
  deviation: number;
  colour: keyof Pick<Colours, "real" | "generated" | "optimal">;
  dash: number[];
}

const PLACES = 160;

export function drawBells(pen: Pen, width: number, height: number, bells: readonly Bell[], colours: Colours): void {
  if (bells.length === 0) return;
  const least = Math.max(...bells.map((bell) => bell.deviation)) * 0.02 || 0.01;
  const wide = bells.map((bell) => ({ ...bell, deviation: Math.max(bell.deviation, least) }));
  const left = Math.min(0, ...wide.map((bell) => bell.mean - 3 * bell.deviation));
  const right = Math.max(0, ...wide.map((bell) => bell.mean + 3 * bell.deviation));
  // Each is drawn to its own height: what matters is where they lie and how far they overlap.
  const plane: Plane = { left, right, bottom: 0, top: 1.08, width, height,
    margin: { ...NO_MARGIN, left: 8, right: 8, bottom: 20, top: 4 } };
  pen.font = "12px system-ui, sans-serif";
  pen.textAlign = "center";
  pen.textBaseline = "top";
  for (const mark of ticks(left, right, Math.max(3, width / 80))) {
    const x = toX(plane, mark);
    pen.strokeStyle = mark === 0 ? colours.quiet : colours.faint;
    pen.beginPath();
    pen.moveTo(x, plane.margin.top);
    pen.lineTo(x, height - plane.margin.bottom);
    pen.stroke();
    pen.fillStyle = colours.quiet;
    pen.fillText(tick(mark), x, height - plane.margin.bottom + 4);
  }
  for (const bell of wide) {
    pen.beginPath();
    for (let i = 0; i <= PLACES; i += 1) {
      const x = left + ((right - left) * i) / PLACES;
      const y = Math.exp(-0.5 * ((x - bell.mean) / bell.deviation) ** 2);
      if (i === 0) pen.moveTo(toX(plane, x), toY(plane, y));
      else pen.lineTo(toX(plane, x), toY(plane, y));
    }
    pen.strokeStyle = colours[bell.colour];
    pen.lineWidth = 2;
    pen.setLineDash(bell.dash);
    pen.stroke();
    pen.setLineDash([]);
    if (bell.dash.length === 0) {
      pen.globalAlpha = 0.14;
      pen.fillStyle = colours[bell.colour];
      pen.fill();
      pen.globalAlpha = 1;
    }
  }
}
