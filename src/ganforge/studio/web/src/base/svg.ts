/** A line chart as an SVG file: the same curves as on the screen, for slides and papers. */

import { extent, tick } from "./numbers";
import { type Plane, ticks, toX, toY } from "../draw/plane";
import type { Colours } from "./theme";

export interface Line {
  name: string;
  colour: string;
  values: readonly (number | null)[];
}

const [WIDTH, HEIGHT] = [720, 360];
const LETTERS: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

function safe(text: string): string {
  return text.replace(/[&<>"]/g, (letter) => LETTERS[letter] ?? letter);
}

function words(x: number, y: number, colour: string, text: string, anchor = "start", weight = 400): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" fill="${colour}" text-anchor="${anchor}" font-weight="${weight}">${safe(text)}</text>`;
}

export function lineChart(title: string, unit: string, x: readonly number[], lines: readonly Line[], tint: Colours): string {
  const [left, right] = extent(x, [0, 1]);
  const [low, high] = extent(lines.flatMap(({ values }) => values.filter((value) => value !== null)), [0, 1]);
  const room = (high - low || 1) * 0.06;
  const plane: Plane = {
    left, right: right > left ? right : left + 1, bottom: low - room, top: high + room, width: WIDTH, height: HEIGHT,
    margin: { left: 60, right: 24, top: 56, bottom: 48 },
  };
  const { margin } = plane;
  const parts = [words(margin.left, 22, tint.ink, title, "start", 600)];
  let at = margin.left;
  for (const { name, colour } of lines) {
    parts.push(`<rect x="${at}" y="36" width="14" height="3" fill="${colour}"/>`, words(at + 20, 42, tint.ink, name));
    at += 44 + name.length * 7;
  }
  for (const mark of ticks(plane.bottom, plane.top, 5)) {
    const y = toY(plane, mark).toFixed(1);
    parts.push(`<path d="M${margin.left} ${y}H${WIDTH - margin.right}" stroke="${tint.rule}"/>`,
      words(margin.left - 8, Number(y) + 4, tint.quiet, tick(mark), "end"));
  }
  for (const mark of ticks(plane.left, plane.right, 6)) parts.push(words(toX(plane, mark), HEIGHT - 28, tint.quiet, tick(mark), "middle"));
  parts.push(words((margin.left + WIDTH - margin.right) / 2, HEIGHT - 8, tint.quiet, unit, "middle"));
  for (const { colour, values } of lines) {
    let path = "";
    let drawn = false;
    values.forEach((value, i) => {
      if (value === null) return;
      path += `${drawn ? "L" : "M"}${toX(plane, x[i] ?? 0).toFixed(1)} ${toY(plane, value).toFixed(1)}`;
      drawn = true;
    });
    if (drawn) parts.push(`<path d="${path}" fill="none" stroke="${colour}" stroke-width="1.8" stroke-linejoin="round"/>`);
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" ` +
    `font-family="system-ui, sans-serif" font-size="13"><rect width="100%" height="100%" fill="${tint.card}"/>${parts.join("")}</svg>\n`;
}
