/** The plane that canvases draw in: data coordinates to pixels, and sharp canvases on any screen. */

export interface Plane {
  left: number;
  right: number;
  bottom: number;
  top: number;
  /** CSS pixels. */
  width: number;
  height: number;
  /** Room for the axes, in CSS pixels. */
  margin: { left: number; right: number; bottom: number; top: number };
}

export type Pen = CanvasRenderingContext2D;

export const NO_MARGIN = { left: 0, right: 0, bottom: 0, top: 0 };

export function toX(plane: Plane, x: number): number {
  const inner = plane.width - plane.margin.left - plane.margin.right;
  return plane.margin.left + ((x - plane.left) / (plane.right - plane.left)) * inner;
}

export function toY(plane: Plane, y: number): number {
  const inner = plane.height - plane.margin.top - plane.margin.bottom;
  return plane.margin.top + ((plane.top - y) / (plane.top - plane.bottom)) * inner;
}

export function fromX(plane: Plane, pixel: number): number {
  const inner = plane.width - plane.margin.left - plane.margin.right;
  return plane.left + ((pixel - plane.margin.left) / inner) * (plane.right - plane.left);
}

export function fromY(plane: Plane, pixel: number): number {
  const inner = plane.height - plane.margin.top - plane.margin.bottom;
  return plane.top - ((pixel - plane.margin.top) / inner) * (plane.top - plane.bottom);
}

/** Fits the canvas's bitmap to its box and the screen's density, and gives a cleared pen in CSS pixels. */
export function sharpen(canvas: HTMLCanvasElement): { pen: Pen; width: number; height: number } | null {
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  const pen = canvas.getContext("2d");
  if (!pen || width === 0 || height === 0) return null;
  const density = Math.min(window.devicePixelRatio || 1, 2);
  const [wide, high] = [Math.round(width * density), Math.round(height * density)];
  if (canvas.width !== wide || canvas.height !== high) {
    canvas.width = wide;
    canvas.height = high;
  }
  pen.setTransform(density, 0, 0, density, 0, 0);
  pen.clearRect(0, 0, width, height);
  return { pen, width, height };
}

/** About `count` round numbers between low and high. */
export function ticks(low: number, high: number, count: number): number[] {
  const span = high - low;
  if (!(span > 0)) return [low];
  const rough = span / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * power).find((k) => k >= rough) ?? rough;
  const first = Math.ceil(low / step) * step;
  const marks: number[] = [];
  for (let x = first; x <= high + step * 1e-9; x += step) marks.push(Math.abs(x) < step * 1e-9 ? 0 : x);
  return marks;
}
