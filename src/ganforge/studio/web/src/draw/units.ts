/** A network from the inside: its units as small maps, its weights as lines. Pure drawing. */

import { tick } from "../base/numbers";
import type { Colours } from "../base/theme";
import { type Pen, type Plane, ticks, toX, toY } from "./plane";
import { squarePlane } from "./scatter";

/** One player: layers from what enters to what leaves, of each its first few units. */
export interface Player {
  units: readonly number[];
  /** The scene's points of the space that the maps are over. */
  over: "noise" | "real";
  shown: readonly number[];
  /** Of the space that the maps are over: low and high of one number, or of two. */
  bounds: readonly number[];
  /** Activations over that space, unit after unit; of two numbers rows from the bottom up. */
  maps: Float32Array;
  /** Layer after layer, each (shown, shown before). */
  weights: Float32Array;
}

export interface Unit {
  layer: number;
  index: number;
}

export interface Tile extends Unit {
  x: number;
  y: number;
  size: number;
}

const GAP = 3;
const FOOT = 15;  // under each layer, for the number of its units
const LARGEST = 26;

/** Places of a unit's map. */
export function places(player: Player): number {
  return player.maps.length / Math.max(1, player.shown.reduce((a, b) => a + b, 0));
}

export function valuesOf(player: Player, unit: Unit): Float32Array {
  const n = places(player);
  const before = player.shown.slice(0, unit.layer).reduce((a, b) => a + b, 0);
  return player.maps.subarray((before + unit.index) * n, (before + unit.index + 1) * n);
}

/** Squares for all units, a column for each layer. */
export function tiles(player: Player, width: number, height: number): Tile[] {
  const most = Math.max(...player.shown);
  const columns = player.shown.length;
  const size = Math.max(4, Math.floor(Math.min(LARGEST, (height - FOOT) / most - GAP, (width / columns) * 0.62)));
  const step = columns > 1 ? (width - size - 2) / (columns - 1) : 0;
  return player.shown.flatMap((count, layer) => Array.from({ length: count }, (_, index) => ({
    layer, index, size,
    x: 1 + Math.round(layer * step),
    y: Math.round((height - FOOT) / 2 + (index - count / 2) * (size + GAP) + GAP / 2),
  })));
}

export function largest(values: ArrayLike<number>): number {
  let most = 1e-12;
  for (let i = 0; i < values.length; i += 1) most = Math.max(most, Math.abs(values[i] ?? 0));
  return most;
}

/** The largest activation of each layer: units of one layer share a scale, so that a silent one looks silent. */
function scales(player: Player): number[] {
  const n = places(player);
  let at = 0;
  return player.shown.map((count) => {
    const layer = player.maps.subarray(at, at + count * n);
    at += count * n;
    return largest(layer);
  });
}

function shade(value: number, scale: number, tint: Colours): [number, number, number] {
  const away = Math.min(1, Math.abs(value) / scale);
  const [from, to] = [tint.heatNeutral, value > 0 ? tint.unitPlus : tint.unitMinus];
  return [from[0] + (to[0] - from[0]) * away, from[1] + (to[1] - from[1]) * away, from[2] + (to[2] - from[2]) * away];
}

function image(values: Float32Array, scale: number, tint: Colours): ImageData {
  const side = Math.round(Math.sqrt(values.length));
  const made = new ImageData(side, side);
  for (let row = 0; row < side; row += 1) {
    for (let column = 0; column < side; column += 1) {
      const [r, g, b] = shade(values[(side - 1 - row) * side + column] ?? 0, scale, tint);
      made.data.set([r, g, b, 255], (row * side + column) * 4);
    }
  }
  return made;
}

/** A curve about its zero line, which fills the box. */
function curve(pen: Pen, values: Float32Array, scale: number, box: { x: number; y: number; width: number; height: number }, tint: Colours): void {
  const middle = box.y + box.height / 2;
  pen.strokeStyle = tint.rule;
  pen.lineWidth = 1;
  pen.beginPath();
  pen.moveTo(box.x, middle);
  pen.lineTo(box.x + box.width, middle);
  pen.stroke();
  for (const sign of [1, -1]) {
    pen.strokeStyle = sign > 0 ? tint.plus : tint.minus;
    pen.lineWidth = box.width > 60 ? 2.5 : 1.5;
    pen.beginPath();
    for (let i = 0; i < values.length; i += 1) {
      const value = values[i] ?? 0;
      const x = box.x + ((i + 0.5) / values.length) * box.width;
      const y = middle - (value / scale) * (box.height / 2 - 1.5);
      if (i > 0 && (sign > 0 ? value >= 0 : value < 0)) pen.lineTo(x, y);
      else pen.moveTo(x, y);
    }
    pen.stroke();
  }
}

export function drawNetwork(
  pen: Pen, player: Player, laid: readonly Tile[], height: number, picked: Unit | null, tint: Colours, scratch: HTMLCanvasElement,
): void {
  const at = (layer: number, index: number): Tile | undefined => laid.find((tile) => tile.layer === layer && tile.index === index);
  let place = 0;
  for (let layer = 1; layer < player.shown.length; layer += 1) {
    const [after, before] = [player.shown[layer] ?? 0, player.shown[layer - 1] ?? 0];
    const some = player.weights.subarray(place, place + after * before);
    place += after * before;
    const most = largest(some);
    for (let i = 0; i < after; i += 1) {
      for (let j = 0; j < before; j += 1) {
        const [from, to] = [at(layer - 1, j), at(layer, i)];
        const weight = some[i * before + j] ?? 0;
        const share = Math.abs(weight) / most;
        if (!from || !to || share < 0.02) continue;
        const theirs = picked !== null && ((picked.layer === layer && picked.index === i) || (picked.layer === layer - 1 && picked.index === j));
        pen.globalAlpha = picked === null || theirs ? 0.25 + 0.65 * share : 0.07;
        pen.strokeStyle = weight > 0 ? tint.plus : tint.minus;
        pen.lineWidth = 0.4 + 3.2 * share;
        const [x0, y0, x1, y1] = [from.x + from.size, from.y + from.size / 2, to.x, to.y + to.size / 2];
        pen.beginPath();
        pen.moveTo(x0, y0);
        pen.bezierCurveTo((x0 + x1) / 2, y0, (x0 + x1) / 2, y1, x1, y1);
        pen.stroke();
      }
    }
  }
  pen.globalAlpha = 1;
  const scale = scales(player);
  const flat = player.bounds.length === 4;
  for (const tile of laid) {
    const { x, y, size } = tile;
    pen.fillStyle = tint.card;
    pen.fillRect(x, y, size, size);
    const values = valuesOf(player, tile);
    if (flat) paint(pen, image(values, scale[tile.layer] ?? 1, tint), x, y, size, size, scratch);
    else curve(pen, values, scale[tile.layer] ?? 1, { x, y, width: size, height: size }, tint);
    const here = picked?.layer === tile.layer && picked.index === tile.index;
    pen.strokeStyle = here ? tint.ink : tint.edge;
    pen.lineWidth = here ? 2 : 1;
    pen.strokeRect(x, y, size, size);
  }
  pen.font = "11px system-ui, sans-serif";
  pen.fillStyle = tint.quiet;
  pen.textBaseline = "alphabetic";
  player.units.forEach((count, layer) => {
    const first = at(layer, 0);
    if (!first) return;
    const last = layer === player.units.length - 1;
    pen.textAlign = layer === 0 ? "left" : last ? "right" : "center";
    pen.fillText(String(count), layer === 0 ? first.x : last ? first.x + first.size : first.x + first.size / 2, height - 3);
  });
  pen.textAlign = "left";
}

function paint(pen: Pen, data: ImageData, x: number, y: number, width: number, height: number, scratch: HTMLCanvasElement): void {
  scratch.width = data.width;
  scratch.height = data.height;
  scratch.getContext("2d")?.putImageData(data, 0, 0);
  pen.imageSmoothingEnabled = true;
  pen.imageSmoothingQuality = "high";
  pen.drawImage(scratch, x, y, width, height);
}

/** One unit's map over the whole canvas, with points of the space that it is over. */
export function drawUnit(
  pen: Pen, width: number, height: number, player: Player, unit: Unit, points: ArrayLike<number>, tint: Colours, scratch: HTMLCanvasElement,
): void {
  const values = valuesOf(player, unit);
  const scale = largest(values);
  const [x0 = -1, x1 = 1, y0 = -1, y1 = 1] = player.bounds;
  pen.fillStyle = tint.card;
  pen.fillRect(0, 0, width, height);
  if (player.bounds.length === 4) {
    const plane = squarePlane(width, height, [x0, x1, y0, y1]);
    const [left, top] = [toX(plane, x0), toY(plane, y1)];
    paint(pen, image(values, scale, tint), left, top, toX(plane, x1) - left, toY(plane, y0) - top, scratch);
    pen.fillStyle = tint.ink;
    for (let i = 0; i + 1 < points.length; i += 2) {
      pen.fillRect(toX(plane, points[i] ?? 0) - 1, toY(plane, points[i + 1] ?? 0) - 1, 2, 2);
    }
    return;
  }
  const plane: Plane = { left: x0, right: x1, bottom: -scale, top: scale, width, height, margin: { left: 46, right: 12, top: 34, bottom: 24 } };
  const { left, right, top, bottom } = plane.margin;
  pen.font = "12px system-ui, sans-serif";
  pen.fillStyle = tint.quiet;
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  for (const mark of ticks(-scale, scale, 4)) pen.fillText(tick(mark), left - 6, toY(plane, mark));
  pen.textAlign = "center";
  for (const mark of ticks(x0, x1, 6)) pen.fillText(tick(mark), toX(plane, mark), height - 10);
  pen.textAlign = "left";
  curve(pen, values, scale, { x: left, y: top, width: width - left - right, height: height - top - bottom }, tint);
  pen.fillStyle = tint.ink;
  for (let i = 0; i < points.length; i += 1) pen.fillRect(toX(plane, points[i] ?? 0), height - bottom - 5, 1, 5);
}
