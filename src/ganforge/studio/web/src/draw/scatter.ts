/** The two-dimensional game: points, the discriminator's heat map, the warped grid, arrows. Pure drawing. */

import type { Colours } from "../base/theme";
import { arrow } from "./line";
import { type Pen, type Plane, toX, toY } from "./plane";

type Colour = readonly [number, number, number];

/** Rows of x, y pairs. */
export type Points = ArrayLike<number>;

export interface Heat {
  /** D as a probability, 0…1, rows from the bottom up, `side` by `side`. */
  values: ArrayLike<number>;
  side: number;
}

function mix(a: Colour, b: Colour, share: number): [number, number, number] {
  return [a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + (b[2] - a[2]) * share];
}

/** Orange where D says 'generated', green where it says 'real', the paper's colour where it cannot tell. */
export function heatColour(probability: number, colours: Colours): [number, number, number] {
  const away = Math.min(1, Math.abs(probability - 0.5) * 2);
  return mix(colours.heatNeutral, probability > 0.5 ? colours.heatReal : colours.heatGenerated, away);
}

/** The heat map as an image of its own; `drawHeat` scales it up, smoothly. */
export function heatImage(heat: Heat, colours: Colours): ImageData {
  const { side, values } = heat;
  const image = new ImageData(side, side);
  for (let row = 0; row < side; row += 1) {
    for (let column = 0; column < side; column += 1) {
      const [r, g, b] = heatColour(values[(side - 1 - row) * side + column] ?? 0.5, colours);
      const at = (row * side + column) * 4;
      image.data[at] = r;
      image.data[at + 1] = g;
      image.data[at + 2] = b;
      image.data[at + 3] = 255;
    }
  }
  return image;
}

export function drawHeat(pen: Pen, plane: Plane, heat: Heat, colours: Colours, scratch: HTMLCanvasElement): void {
  scratch.width = heat.side;
  scratch.height = heat.side;
  const under = scratch.getContext("2d");
  if (!under) return;
  under.putImageData(heatImage(heat, colours), 0, 0);
  pen.imageSmoothingEnabled = true;
  pen.imageSmoothingQuality = "high";
  pen.drawImage(scratch, 0, 0, plane.width, plane.height);
}

/** Rings for reals, filled dots for fakes: told apart by shape as well as by colour. */
export function drawPoints(pen: Pen, plane: Plane, points: Points, colour: string, halo: string, ring: boolean): void {
  const radius = plane.width > 420 ? 2.6 : 2;
  pen.lineWidth = 1.3;
  pen.fillStyle = colour;
  pen.strokeStyle = ring ? colour : halo;
  for (let i = 0; i + 1 < points.length; i += 2) {
    pen.beginPath();
    pen.arc(toX(plane, points[i] ?? 0), toY(plane, points[i + 1] ?? 0), radius, 0, 6.2832);
    if (!ring) pen.fill();
    pen.globalAlpha = ring ? 0.85 : 0.6;
    pen.stroke();
    pen.globalAlpha = 1;
  }
}

/** Where the generator sends a square of latents, `side` by `side` corners; thin cells are dense ones. */
export function drawWarp(pen: Pen, plane: Plane, corners: Points, side: number, colour: string): void {
  pen.strokeStyle = colour;
  pen.lineWidth = 1;
  pen.globalAlpha = 0.65;
  const at = (row: number, column: number): [number, number] => {
    const i = (row * side + column) * 2;
    return [toX(plane, corners[i] ?? 0), toY(plane, corners[i + 1] ?? 0)];
  };
  pen.beginPath();
  for (let a = 0; a < side; a += 1) {
    for (let b = 0; b < side; b += 1) {
      const [x, y] = at(a, b);
      if (b === 0) pen.moveTo(x, y);
      else pen.lineTo(x, y);
    }
    for (let b = 0; b < side; b += 1) {
      const [x, y] = at(b, a);
      if (b === 0) pen.moveTo(x, y);
      else pen.lineTo(x, y);
    }
  }
  pen.stroke();
  pen.globalAlpha = 1;
}

/** Where the loss that trains the generator pushes its samples; `push` in data units, the longest is 26 px. */
export function drawArrows(pen: Pen, plane: Plane, from: Points, push: Points, colour: string): void {
  let largest = 1e-12;
  for (let i = 0; i + 1 < push.length; i += 2) {
    largest = Math.max(largest, Math.hypot(push[i] ?? 0, push[i + 1] ?? 0));
  }
  pen.strokeStyle = colour;
  pen.fillStyle = colour;
  pen.lineWidth = 1.4;
  for (let i = 0; i + 1 < from.length; i += 2) {
    const x = toX(plane, from[i] ?? 0);
    const y = toY(plane, from[i + 1] ?? 0);
    const dx = ((push[i] ?? 0) / largest) * 26;
    const dy = (-(push[i + 1] ?? 0) / largest) * 26;
    if (Math.hypot(dx, dy) < 2) continue;
    arrow(pen, x, y, x + dx, y + dy, 4.5);
  }
}

/** A square plane around a range that keeps circles round. */
export function squarePlane(width: number, height: number, range: readonly [number, number, number, number]): Plane {
  const [left, right, bottom, top] = range;
  const half = Math.max(right - left, top - bottom) / 2 || 1;
  const [x, y] = [(left + right) / 2, (bottom + top) / 2];
  return {
    left: x - half, right: x + half, bottom: y - half, top: y + half, width, height,
    margin: { left: 0, right: 0, bottom: 0, top: 0 },
  };
}
