/** Shows what a generator made: pictures on a canvas, points on a small plane. */

import { el } from "../base/dom";
import { colours } from "../base/theme";
import { sharpen } from "../draw/plane";
import { drawPoints, squarePlane } from "../draw/scatter";
import type { Made } from "./model";

/** Draws one picture into a canvas at its own size; the style sheet scales it. */
export async function showPicture(canvas: HTMLCanvasElement, blob: Blob): Promise<void> {
  const bitmap = await createImageBitmap(blob);
  if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
  }
  canvas.classList.toggle("sharp", Math.max(bitmap.width, bitmap.height) <= 128);
  const pen = canvas.getContext("2d");
  pen?.clearRect(0, 0, bitmap.width, bitmap.height);
  pen?.drawImage(bitmap, 0, 0);
  bitmap.close();
}

/** The i-th of what was made: its picture, or its point among the others. */
export async function showMade(canvas: HTMLCanvasElement, made: Made, i: number): Promise<void> {
  const picture = made.pictures[i];
  if (picture) return showPicture(canvas, picture);
  const samples = made.arrays.get("samples");
  const dims = samples?.shape[1] ?? 0;
  if (!samples || dims === 0) return;
  canvas.classList.add("points");
  const sharp = sharpen(canvas);
  if (!sharp) return;
  const row = Array.from(samples.data.subarray(i * dims, (i + 1) * dims));
  const { pen, width, height } = sharp;
  const tint = colours();
  if (dims <= 2) {
    const [x = 0, y = 0] = row;
    const reach = Math.max(3, ...samples.data.map(Math.abs));
    const plane = squarePlane(width, height, [-reach, reach, -reach, reach]);
    pen.strokeStyle = tint.rule;
    pen.beginPath();
    pen.moveTo(0, height / 2);
    pen.lineTo(width, height / 2);
    pen.moveTo(width / 2, 0);
    pen.lineTo(width / 2, height);
    pen.stroke();
    drawPoints(pen, plane, [x, y], tint.generated, tint.card, false);
  } else {
    bars(pen, width, height, row, tint.generated, tint.rule);
  }
  canvas.title = row.map((value) => value.toPrecision(3)).join(", ");
}

function bars(pen: CanvasRenderingContext2D, width: number, height: number, row: number[], colour: string, rule: string): void {
  const largest = Math.max(1e-9, ...row.map(Math.abs));
  const step = width / row.length;
  pen.fillStyle = rule;
  pen.fillRect(0, height / 2, width, 1);
  pen.fillStyle = colour;
  row.forEach((value, i) => {
    const tall = (value / largest) * (height / 2 - 4);
    pen.fillRect(i * step + 1, height / 2 - Math.max(0, tall), Math.max(1, step - 2), Math.abs(tall));
  });
}

export function picture(label: string): HTMLCanvasElement {
  return el("canvas", { class: "picture", role: "img", "aria-label": label, width: 64, height: 64 });
}
