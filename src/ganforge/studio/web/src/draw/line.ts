/** The one-dimensional game: p_data, p_g, D(x), the optimal D*(x), and ½ as the goal. Pure drawing. */

import { tick } from "../base/numbers";
import type { Colours } from "../base/theme";
import { type Pen, type Plane, ticks, toX, toY } from "./plane";

export interface LineScene {
  /** Places on the axis where the curves are known. */
  x: ArrayLike<number>;
  dataDensity: ArrayLike<number>;
  generatedDensity: ArrayLike<number>;
  /** D(x) and D*(x), 0…1; D* is −1 where there are no examples. */
  discriminator: ArrayLike<number>;
  optimal: ArrayLike<number>;
  /** How strongly and which way the generator's samples are pushed, by the loss that trains it. */
  arrows: { x: ArrayLike<number>; push: ArrayLike<number> } | null;
  /** Latents and where they go, as in the lowest panel of the original figure. */
  map: { z: ArrayLike<number>; x: ArrayLike<number> } | null;
}

export interface LineLayers {
  data: boolean;
  generated: boolean;
  discriminator: boolean;
  optimal: boolean;
  half: boolean;
  arrows: boolean;
  map: boolean;
}

/** The picture's planes, one above the other: densities, probabilities, and the map from latents. */
export function linePlanes(width: number, height: number, scene: LineScene, withMap: boolean): [Plane, Plane, Plane] {
  const left = 40;
  const right = 12;
  const first = scene.x[0] ?? -1;
  const last = scene.x[scene.x.length - 1] ?? 1;
  const mapHeight = withMap ? Math.min(80, height * 0.18) : 0;
  const half = (height - mapHeight) / 2;
  const shared = { left: first, right: last, width };
  let [data, generated] = [1e-6, 0];
  for (let i = 0; i < scene.x.length; i += 1) {
    data = Math.max(data, scene.dataDensity[i] ?? 0);
    generated = Math.max(generated, scene.generatedDensity[i] ?? 0);
  }
  // Room for both, in steps, so that the axis does not tremble; a spike is cut off.
  const peak = data * 1.3 * Math.min(3, Math.max(1, Math.ceil((generated / (data * 1.2)) * 2) / 2));
  const densities: Plane = {
    ...shared, bottom: 0, top: peak, height: half,
    margin: { left, right, top: 22, bottom: 20 },
  };
  const probabilities: Plane = {
    ...shared, bottom: 0, top: 1, height: half * 2,
    margin: { left, right, top: half + 22, bottom: 20 },
  };
  const map: Plane = {
    ...shared, bottom: 0, top: 1, height,
    margin: { left, right, top: half * 2 + 20, bottom: 6 },
  };
  return [densities, probabilities, map];
}

function curve(pen: Pen, plane: Plane, x: ArrayLike<number>, y: ArrayLike<number>): void {
  pen.beginPath();
  let drawn = false;
  for (let i = 0; i < x.length; i += 1) {
    const value = y[i] ?? 0;
    const px = toX(plane, x[i] ?? 0);
    const py = toY(plane, Math.min(value, plane.top * 1.02));
    if (drawn && value >= 0) pen.lineTo(px, py);
    else pen.moveTo(px, py);
    drawn = value >= 0;  // below 0: there is nothing here
  }
}

function area(pen: Pen, plane: Plane, x: ArrayLike<number>, y: ArrayLike<number>, colour: string): void {
  curve(pen, plane, x, y);
  pen.lineTo(toX(plane, x[x.length - 1] ?? 0), toY(plane, 0));
  pen.lineTo(toX(plane, x[0] ?? 0), toY(plane, 0));
  pen.closePath();
  pen.globalAlpha = 0.16;
  pen.fillStyle = colour;
  pen.fill();
  pen.globalAlpha = 1;
  curve(pen, plane, x, y);
  pen.strokeStyle = colour;
  pen.lineWidth = 2;
  pen.stroke();
}

function axis(pen: Pen, plane: Plane, colours: Colours, title: string, marks: number[]): void {
  pen.font = "12px system-ui, sans-serif";
  pen.lineWidth = 1;
  pen.textBaseline = "middle";
  pen.textAlign = "right";
  for (const mark of marks) {
    const y = Math.round(toY(plane, mark)) + 0.5;
    pen.strokeStyle = colours.faint;
    pen.beginPath();
    pen.moveTo(plane.margin.left, y);
    pen.lineTo(plane.width - plane.margin.right, y);
    pen.stroke();
    pen.fillStyle = colours.quiet;
    pen.fillText(tick(mark), plane.margin.left - 7, y);
  }
  pen.textAlign = "center";
  pen.textBaseline = "top";
  for (const mark of ticks(plane.left, plane.right, plane.width > 500 ? 8 : 5)) {
    pen.fillText(tick(mark), toX(plane, mark), plane.height - plane.margin.bottom + 5);
  }
  pen.textAlign = "left";
  pen.textBaseline = "alphabetic";
  pen.fillStyle = colours.ink;
  pen.fillText(title, plane.margin.left, plane.margin.top - 8);
}

function dashed(pen: Pen, draw: () => void, dash: number[]): void {
  pen.setLineDash(dash);
  draw();
  pen.setLineDash([]);
}

export function drawLine(
  pen: Pen, width: number, height: number, scene: LineScene, layers: LineLayers, colours: Colours,
): void {
  const [densities, probabilities, map] = linePlanes(width, height, scene, layers.map && scene.map !== null);
  axis(pen, densities, colours, "how often each value appears", ticks(0, densities.top, 3));
  if (layers.data) area(pen, densities, scene.x, scene.dataDensity, colours.real);
  if (layers.generated) area(pen, densities, scene.x, scene.generatedDensity, colours.generated);
  if (layers.arrows && scene.arrows) pushes(pen, densities, scene.arrows, colours);

  axis(pen, probabilities, colours, "probability of ‘real’, in the discriminator’s eyes", [0, 0.5, 1]);
  if (layers.half) {
    pen.strokeStyle = colours.good;
    pen.lineWidth = 1.5;
    const y = toY(probabilities, 0.5);
    dashed(pen, () => {
      pen.beginPath();
      pen.moveTo(probabilities.margin.left, y);
      pen.lineTo(width - probabilities.margin.right, y);
      pen.stroke();
    }, [2, 4]);
  }
  if (layers.optimal) {
    pen.strokeStyle = colours.optimal;
    pen.lineWidth = 2;
    dashed(pen, () => {
      curve(pen, probabilities, scene.x, scene.optimal);
      pen.stroke();
    }, [7, 5]);
  }
  if (layers.discriminator) {
    curve(pen, probabilities, scene.x, scene.discriminator);
    pen.strokeStyle = colours.discriminator;
    pen.lineWidth = 2.5;
    pen.stroke();
  }
  if (layers.map && scene.map) strings(pen, map, scene.map, colours);
}

/** Arrows under the densities: where the loss that trains the generator pushes its samples. */
function pushes(
  pen: Pen, plane: Plane, arrows: { x: ArrayLike<number>; push: ArrayLike<number> }, colours: Colours,
): void {
  const count = Math.min(arrows.x.length, 28);
  let largest = 1e-12;
  for (let i = 0; i < arrows.push.length; i += 1) largest = Math.max(largest, Math.abs(arrows.push[i] ?? 0));
  const y = toY(plane, plane.top * 0.04);
  pen.strokeStyle = colours.arrow;
  pen.fillStyle = colours.arrow;
  pen.lineWidth = 1.5;
  for (let k = 0; k < count; k += 1) {
    const i = Math.floor((k * arrows.x.length) / count);
    const from = toX(plane, arrows.x[i] ?? 0);
    const reach = ((arrows.push[i] ?? 0) / largest) * 34;
    if (from < plane.margin.left || from > plane.width - plane.margin.right || Math.abs(reach) < 1.5) continue;
    arrow(pen, from, y, from + reach, y, 4);
  }
}

/** A line with a head; the pen's stroke and fill are the caller's. */
export function arrow(pen: Pen, x0: number, y0: number, x1: number, y1: number, head: number): void {
  const angle = Math.atan2(y1 - y0, x1 - x0);
  pen.beginPath();
  pen.moveTo(x0, y0);
  pen.lineTo(x1, y1);
  pen.stroke();
  pen.beginPath();
  pen.moveTo(x1, y1);
  pen.lineTo(x1 - head * Math.cos(angle - 0.5), y1 - head * Math.sin(angle - 0.5));
  pen.lineTo(x1 - head * Math.cos(angle + 0.5), y1 - head * Math.sin(angle + 0.5));
  pen.closePath();
  pen.fill();
}

/** Strings from latents (below) to the samples that they become (above): the figure's lowest panel. */
function strings(pen: Pen, plane: Plane, map: { z: ArrayLike<number>; x: ArrayLike<number> }, colours: Colours): void {
  const top = plane.margin.top + 4;
  const bottom = plane.height - plane.margin.bottom - 14;
  const left = plane.margin.left;
  const right = plane.width - plane.margin.right;
  let largest = 1e-9;
  for (let i = 0; i < map.z.length; i += 1) largest = Math.max(largest, Math.abs(map.z[i] ?? 0));
  pen.strokeStyle = colours.generated;
  pen.lineWidth = 1;
  pen.globalAlpha = 0.55;
  for (let i = 0; i < map.z.length; i += 1) {
    const from = left + (0.5 + (map.z[i] ?? 0) / largest / 2) * (right - left);
    pen.beginPath();
    pen.moveTo(from, bottom);
    pen.lineTo(Math.min(right, Math.max(left, toX(plane, map.x[i] ?? 0))), top);
    pen.stroke();
  }
  pen.globalAlpha = 1;
  pen.strokeStyle = colours.rule;
  for (const y of [top, bottom]) {
    pen.beginPath();
    pen.moveTo(left, y);
    pen.lineTo(right, y);
    pen.stroke();
  }
  pen.fillStyle = colours.quiet;
  pen.textBaseline = "top";
  pen.fillText("latents z, and where the generator sends them", left, bottom + 3);
  pen.textBaseline = "alphabetic";
}
