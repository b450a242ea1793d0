/** Points of a run, real and made, among which one sample stands. */

import type { Binary } from "../base/binary";

export interface Cloud {
  dims: number;
  /** Row by row; empty where the data are gone. */
  real: ArrayLike<number>;
  made: ArrayLike<number>;
  /** What the points are, for a person. */
  words: string;
  /** Of each coordinate, the ends of what is shown. */
  ends: [number, number][];
  /** The coordinates that are drawn. */
  axes: [number, number];
}

const BINS = 48;

/** What `examples` answers of points; null where it is of something else. */
export function cloudOf({ header, arrays }: Binary<{ [more: string]: unknown }>): Cloud | null {
  const made = arrays.get("made");
  const dims = made?.shape[1];
  if (!made || dims === undefined) return null;
  const real = arrays.get("real")?.data ?? [];
  const known = real.length > 0 ? real : made.data;
  const ends = Array.from({ length: dims }, (_, axis) => endsOf(known, dims, axis));
  return { dims, real, made: made.data, words: typeof header["words"] === "string" ? header["words"] : "", ends, axes: [0, Math.min(1, dims - 1)] };
}

/** Least and largest of one coordinate, with some room around. */
export function endsOf(rows: ArrayLike<number>, dims: number, axis: number): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (let i = axis; i < rows.length; i += dims) {
    const value = rows[i] ?? NaN;
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return [-1, 1];
  const room = 0.12 * Math.max(high - low, 1e-6);
  return [low - room, high + room];
}

/** Two coordinates of each row, as pairs. */
export function pairs(rows: ArrayLike<number>, dims: number, [x, y]: [number, number]): number[] {
  const found: number[] = [];
  for (let i = 0; i + dims <= rows.length; i += dims) found.push(rows[i + x] ?? 0, rows[i + y] ?? 0);
  return found;
}

/** Shares of a coordinate's values in equal bins from end to end. */
export function shares(rows: ArrayLike<number>, dims: number, axis: number, [low, high]: [number, number]): number[] {
  const counts = new Array<number>(BINS).fill(0);
  const n = Math.max(1, Math.floor(rows.length / dims));
  for (let i = axis; i < rows.length; i += dims) {
    const bin = Math.floor((((rows[i] ?? 0) - low) / (high - low)) * BINS);
    if (bin >= 0 && bin < BINS) counts[bin] = (counts[bin] ?? 0) + 1 / n;
  }
  return counts;
}
