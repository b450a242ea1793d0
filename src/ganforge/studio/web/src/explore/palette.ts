/** The colours of drawn inputs, such as label maps: few of them, each over whole areas. */

export type Rgb = [number, number, number];

export interface Palette {
  /** The most frequent first. */
  colours: Rgb[];
  /** Of the pixels, those that are one of them but for what compression adds. */
  covered: number;
}

const MOST = 16;
const APART = 36; // grey levels between two colours of a palette
const NEAR = 8; // grey levels that compression adds to a plain area
const LEAST = 0.001; // of the pixels

/** `pictures`: red, green, blue and opacity of each pixel. */
export function paletteOf(pictures: readonly ArrayLike<number>[]): Palette {
  const bins = new Map<number, [number, number, number, number]>(); // sums and count, by five bits a colour
  let total = 0;
  for (const pixels of pictures) {
    for (let i = 0; i + 3 < pixels.length; i += 4) {
      const [r, g, b] = [pixels[i] ?? 0, pixels[i + 1] ?? 0, pixels[i + 2] ?? 0];
      const key = ((r >> 3) << 10) | ((g >> 3) << 5) | (b >> 3);
      const bin = bins.get(key) ?? [0, 0, 0, 0];
      bin[0] += r;
      bin[1] += g;
      bin[2] += b;
      bin[3] += 1;
      bins.set(key, bin);
      total += 1;
    }
  }
  const found: { colour: Rgb; count: number }[] = [];
  for (const [r, g, b, count] of [...bins.values()].sort((a, b) => b[3] - a[3])) {
    const colour: Rgb = [Math.round(r / count), Math.round(g / count), Math.round(b / count)];
    const known = found.find((one) => far(one.colour, colour) <= APART);
    if (known) known.count += far(known.colour, colour) <= NEAR ? count : 0;
    else if (found.length < MOST && count >= LEAST * total) found.push({ colour, count });
  }
  found.sort((a, b) => b.count - a.count);
  return { colours: found.map((one) => one.colour), covered: found.reduce((sum, one) => sum + one.count, 0) / Math.max(1, total) };
}

/** Whether inputs are drawn in so few colours that a person can paint one. */
export function isDrawn(palette: Palette): boolean {
  return palette.colours.length > 1 && palette.covered > 0.35;
}

function far(a: Rgb, b: Rgb): number {
  return Math.max(Math.abs(a[0] - b[0]), Math.abs(a[1] - b[1]), Math.abs(a[2] - b[2]));
}

export function hex([r, g, b]: Rgb): string {
  return `#${[r, g, b].map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

/** Fills the area of one colour around a place, in the pixels of a picture `wide` across. */
export function flood(pixels: Uint8ClampedArray, wide: number, x: number, y: number, [r, g, b]: Rgb): void {
  const high = pixels.length / 4 / wide;
  if (x < 0 || y < 0 || x >= wide || y >= high) return;
  const at = (y * wide + x) * 4;
  const old: Rgb = [pixels[at] ?? 0, pixels[at + 1] ?? 0, pixels[at + 2] ?? 0];
  const seen = new Uint8Array(wide * high);
  const waiting = [y * wide + x];
  while (waiting.length > 0) {
    const place = waiting.pop() ?? 0;
    const i = place * 4;
    if (seen[place] || far([pixels[i] ?? 0, pixels[i + 1] ?? 0, pixels[i + 2] ?? 0], old) > APART) continue;
    seen[place] = 1;
    pixels.set([r, g, b, 255], i);
    const column = place % wide;
    if (column > 0) waiting.push(place - 1);
    if (column < wide - 1) waiting.push(place + 1);
    if (place >= wide) waiting.push(place - wide);
    if (place < wide * (high - 1)) waiting.push(place + wide);
  }
}
