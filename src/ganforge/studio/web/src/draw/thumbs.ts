/** Small pictures of examples: points, values on a line, pictures, or plain numbers. Pure drawing. */

import { pictureImage } from "./pixels";
import { type Pen, toX, toY } from "./plane";
import { squarePlane } from "./scatter";

/** Points (n, 2) as dots. */
export function dots(pen: Pen, width: number, height: number, points: ArrayLike<number>, bounds: readonly number[], colour: string): void {
  const [x0 = -1, x1 = 1, y0 = -1, y1 = 1] = bounds;
  const plane = squarePlane(width, height, [x0, x1, y0, y1]);
  pen.fillStyle = colour;
  pen.globalAlpha = 0.75;
  for (let i = 0; i + 1 < points.length; i += 2) {
    pen.fillRect(toX(plane, points[i] ?? 0) - 0.9, toY(plane, points[i + 1] ?? 0) - 0.9, 1.8, 1.8);
  }
  pen.globalAlpha = 1;
}

/** Values (n, 1) as a histogram. */
export function bars(pen: Pen, width: number, height: number, values: ArrayLike<number>, bounds: readonly number[], colour: string): void {
  const [low = -1, high = 1] = bounds;
  const count = 24;
  const bins = new Array<number>(count).fill(0);
  for (let i = 0; i < values.length; i += 1) {
    const at = Math.floor((((values[i] ?? 0) - low) / (high - low)) * count);
    if (at >= 0 && at < count) bins[at] = (bins[at] ?? 0) + 1;
  }
  const most = Math.max(1, ...bins);
  pen.fillStyle = colour;
  bins.forEach((n, i) => {
    const tall = (n / most) * (height - 4);
    pen.fillRect((i / count) * width, height - tall, width / count - 1, tall);
  });
}

/** Nine pictures (C, H, W) of bytes, three by three. */
export function gallery(pen: Pen, width: number, height: number, bytes: ArrayLike<number>, shape: readonly number[], scratch: HTMLCanvasElement): void {
  const [channels = 1, high = 1, wide = 1] = shape;
  const size = channels * high * wide;
  const side = Math.min(width, height) / 3;
  pen.imageSmoothingEnabled = side < wide;
  scratch.width = wide;
  scratch.height = high;
  for (let i = 0; i < 9 && (i + 1) * size <= bytes.length; i += 1) {
    scratch.getContext("2d")?.putImageData(pictureImage(bytes, i * size, shape), 0, 0);
    pen.drawImage(scratch, (i % 3) * side, Math.floor(i / 3) * side, side - 2, side - 2);
  }
}

/** Nine latents (n, L) as little squares of shades, three by three: many numbers have no picture of their own. */
export function numbers(pen: Pen, width: number, height: number, values: ArrayLike<number>, size: number, colour: string): void {
  const side = Math.min(width, height) / 3;
  const across = Math.ceil(Math.sqrt(size));
  const cell = (side - 3) / across;
  pen.fillStyle = colour;
  for (let i = 0; i < 9 && (i + 1) * size <= values.length; i += 1) {
    for (let j = 0; j < size; j += 1) {
      pen.globalAlpha = Math.min(1, Math.max(0.05, 0.5 + (values[i * size + j] ?? 0) / 4));
      pen.fillRect((i % 3) * side + (j % across) * cell, Math.floor(i / 3) * side + Math.floor(j / across) * cell, cell, cell);
    }
  }
  pen.globalAlpha = 1;
}
