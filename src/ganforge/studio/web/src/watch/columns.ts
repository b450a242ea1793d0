/** A run's log as columns for the charts, thinned evenly where it is long. */

import type { LogLine, Note } from "../base/protocol";

type NoteName = "discriminator_loss" | "generator_loss" | "real_logits" | "fake_logits" | "margin" |
  "discriminator_gradient" | "generator_gradient";

const MOST = 1000;

export function thinned(lines: readonly LogLine[]): LogLine[] {
  if (lines.length <= MOST) return [...lines];
  const step = lines.length / MOST;
  const kept = Array.from({ length: MOST }, (_, i) => lines[Math.floor(i * step)]);
  kept.push(lines[lines.length - 1]);
  return kept.filter((line): line is LogLine => line !== undefined);
}

export function means(lines: readonly LogLine[], name: NoteName): (number | null)[] {
  return lines.map((line) => line[name]?.mean ?? null);
}

/** Mean plus `times` deviations. */
export function edge(lines: readonly LogLine[], name: NoteName, times: number): (number | null)[] {
  return lines.map((line) => {
    const note: Note | undefined = line[name];
    return note?.mean === null || note?.mean === undefined ? null : note.mean + times * (note.deviation ?? 0);
  });
}

export interface ScorePoint {
  nimg: number;
  value: number | null;
  floor: number | null;
  low: number | null;
  high: number | null;
}

/** The score by which the run is judged, at each of its examinations. */
export function headline(lines: readonly LogLine[]): { key: string; points: ScorePoint[] } {
  let key = "";
  const points: ScorePoint[] = [];
  for (const line of lines) {
    const { examination } = line;
    if (!examination?.scores) continue;
    key ||= examination.headline ?? Object.keys(examination.scores)[0] ?? "";
    const score = examination.scores[key];
    if (score) points.push({ nimg: line.nimg, value: score.value, floor: score.floor, low: score.low, high: score.high });
  }
  return { key, points };
}

/** Without the score before training, where it is so far from all others that they would be one flat line. */
export function comparable(points: readonly ScorePoint[]): readonly ScorePoint[] {
  const [first, ...others] = points;
  if (!first || first.nimg > 0 || others.length < 2) return points;
  const most = Math.max(...others.map((point) => Math.abs(point.value ?? 0)));
  return Math.abs(first.value ?? 0) > 10 * most ? others : points;
}

export function latestExamination(lines: readonly LogLine[], upTo: number): LogLine | null {
  for (let i = lines.length - 1; i >= 0; i -= 1) {
    const line = lines[i];
    if (line?.examination && line.nimg <= upTo) return line;
  }
  return null;
}

/** The last line up to there that tells of logits; before the first move there are none, and the first one holds. */
export function lineAt(lines: readonly LogLine[], nimg: number): LogLine | null {
  let found: LogLine | null = null;
  for (const line of lines) {
    if (found && line.nimg > nimg) break;
    if (line.real_logits) found = line;
  }
  return found;
}
