/** Shows what a generator made: pictures on a canvas, points on a small plane. */

import { el } from "../base/dom";
import { clamp } from "../base/numbers";
import { type Colours, colours } from "../base/theme";
import { NO_MARGIN, type Pen, sharpen, toX, toY } from "../draw/plane";
import { drawPoints, squarePlane } from "../draw/scatter";
import { type Cloud, pairs, shares } from "./cloud";
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
  if (made.cloud?.dims === dims) {
    canvas.dataset["around"] = `${made.cloud.real.length / dims} real, ${made.cloud.made.length / dims} made`;
    if (dims === 1) among(pen, width, height, made.cloud, row[0] ?? 0, tint);
    else within(pen, width, height, made.cloud, row, tint);
  } else if (dims <= 2) {
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

/** One number on the line, over the densities of real and made ones. */
function among(pen: Pen, width: number, height: number, cloud: Cloud, x: number, tint: Colours): void {
  const ends = cloud.ends[0] ?? [-1, 1];
  const [real, made] = [shares(cloud.real, 1, 0, ends), shares(cloud.made, 1, 0, ends)];
  const top = Math.max(1e-9, ...real, ...made) * 1.15;
  const step = width / made.length;
  pen.fillStyle = tint.real;
  pen.globalAlpha = 0.3;
  real.forEach((share, i) => pen.fillRect(i * step, height * (1 - share / top), step + 0.5, height * (share / top)));
  pen.globalAlpha = 1;
  pen.strokeStyle = tint.generated;
  pen.lineWidth = 1.5;
  pen.beginPath();
  made.forEach((share, i) => pen.lineTo((i + 0.5) * step, height * (1 - share / top)));
  pen.stroke();
  const at = ((x - ends[0]) / (ends[1] - ends[0])) * width;
  pen.strokeStyle = tint.ink;
  pen.beginPath();
  pen.moveTo(at, 0);
  pen.lineTo(at, height);
  pen.stroke();
  mark(pen, clamp(at, 0, width), height - 5, Math.max(3, width / 60), tint);
}

/** One point in the plane of two coordinates, among real and made ones. */
function within(pen: Pen, width: number, height: number, cloud: Cloud, row: number[], tint: Colours): void {
  const [a, b] = cloud.axes;
  const usual: [number, number] = [-1, 1];
  const [x, y] = [cloud.ends[a] ?? usual, cloud.ends[b] ?? usual];
  const plane = cloud.dims === 2 ? squarePlane(width, height, [x[0], x[1], y[0], y[1]]) :
    { left: x[0], right: x[1], bottom: y[0], top: y[1], width, height, margin: NO_MARGIN };
  const side = width > 200 ? 2.5 : 1;
  for (const [rows, colour] of [[cloud.real, tint.real], [cloud.made, tint.generated]] as const) {
    const places = pairs(rows, cloud.dims, cloud.axes);
    pen.fillStyle = colour;
    pen.globalAlpha = width > 200 ? 0.45 : 0.3;
    for (let i = 0; i + 1 < places.length; i += 2) {
      pen.fillRect(toX(plane, places[i] ?? 0) - side / 2, toY(plane, places[i + 1] ?? 0) - side / 2, side, side);
    }
  }
  pen.globalAlpha = 1;
  mark(pen, clamp(toX(plane, row[a] ?? 0), 0, width), clamp(toY(plane, row[b] ?? 0), 0, height), Math.max(3, width / 60), tint);
}

/** Where the sample is: a dot with a ring of the paper's colour; half of one at the edge beyond which it lies. */
function mark(pen: Pen, x: number, y: number, radius: number, tint: Colours): void {
  pen.beginPath();
  pen.arc(x, y, radius + 1.5, 0, 6.2832);
  pen.fillStyle = tint.card;
  pen.fill();
  pen.beginPath();
  pen.arc(x, y, radius, 0, 6.2832);
  pen.fillStyle = tint.ink;
  pen.fill();
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
