/** A body of voxels that can be turned: by mouse or finger, and with the arrow keys. */

import { el } from "../base/dom";
import { sharpen } from "../draw/plane";

interface Voxel {
  place: [number, number, number];
  colour: [number, number, number];
  /** Which of its six sides are bare. */
  bare: number;
}

const SIDES: readonly (readonly [number, number, number])[] = [[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]];
/** How bright the sides are, in their order: as the sheets of solids draw them, and the lower one darkest. */
const TONES = [0.6, 0.6, 1, 0.5, 0.8, 0.8] as const;
const CLAY: [number, number, number] = [214, 160, 110];

/**
 * The voxels at the surface of `(C, D, H, W)`, around the middle; x right, y up, z to the viewer.
 *
 * Transparency, or the brightest channel, says whether a voxel is full.
 */
export function surface(data: ArrayLike<number>, shape: readonly number[]): Voxel[] {
  const [channels = 1, deep = 1, high = 1, wide = 1] = shape;
  const size = deep * high * wide;
  const full = (z: number, y: number, x: number): boolean => {
    if (z < 0 || y < 0 || x < 0 || z >= deep || y >= high || x >= wide) return false;
    const at = (z * high + y) * wide + x;
    if (channels === 2 || channels === 4) return (data[(channels - 1) * size + at] ?? 0) > 127;
    for (let c = 0; c < channels; c += 1) if ((data[c * size + at] ?? 0) > 127) return true;
    return false;
  };
  const found: Voxel[] = [];
  for (let z = 0; z < deep; z += 1) {
    for (let y = 0; y < high; y += 1) {
      for (let x = 0; x < wide; x += 1) {
        if (!full(z, y, x)) continue;
        let bare = 0;
        SIDES.forEach(([dx, dy, dz], side) => {
          if (!full(z - dz, y - dy, x + dx)) bare |= 1 << side;
        });
        if (bare === 0) continue;
        const at = (z * high + y) * wide + x;
        const colour: [number, number, number] = channels >= 3 ?
          [data[at] ?? 0, data[size + at] ?? 0, data[2 * size + at] ?? 0] : CLAY;
        found.push({ place: [x - (wide - 1) / 2, (high - 1) / 2 - y, (deep - 1) / 2 - z], colour, bare });
      }
    }
  }
  return found;
}

export class Turntable {
  readonly element = el("canvas", { class: "turntable", tabindex: 0, role: "img", hidden: true,
    "aria-label": "The shape on the easel. Drag, or use the arrow keys, to turn it." });
  private voxels: Voxel[] = [];
  private reach = 1;
  private yaw = -0.7;
  private pitch = 0.5;

  constructor() {
    let from: [number, number] | null = null;
    this.element.addEventListener("pointerdown", (event) => {
      from = [event.clientX, event.clientY];
      this.element.setPointerCapture(event.pointerId);
    });
    this.element.addEventListener("pointermove", (event) => {
      if (!from) return;
      this.turn((event.clientX - from[0]) / 120, (event.clientY - from[1]) / 120);
      from = [event.clientX, event.clientY];
    });
    for (const end of ["pointerup", "pointercancel"]) this.element.addEventListener(end, () => {
      from = null;
    });
    this.element.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: [-0.15, 0], ArrowRight: [0.15, 0], ArrowUp: [0, -0.15], ArrowDown: [0, 0.15] }[event.key];
      if (!way) return;
      event.preventDefault();
      this.turn(way[0] ?? 0, way[1] ?? 0);
    });
    new ResizeObserver(() => this.draw()).observe(this.element);
  }

  show(data: ArrayLike<number>, shape: readonly number[]): void {
    this.voxels = surface(data, shape);
    this.reach = Math.hypot(...shape.slice(1)) / 2;
    this.element.hidden = false;
    this.draw();
  }

  private turn(yaw: number, pitch: number): void {
    this.yaw += yaw;
    this.pitch = Math.max(-1.5, Math.min(1.5, this.pitch + pitch));
    this.draw();
  }

  /** Far voxels first; of each the sides that face the viewer. */
  private draw(): void {
    const sharp = sharpen(this.element);
    if (!sharp) return;
    const { pen, width, height } = sharp;
    const scale = Math.min(width, height) / 2 / this.reach;
    const [sy, cy, sp, cp] = [Math.sin(this.yaw), Math.cos(this.yaw), Math.sin(this.pitch), Math.cos(this.pitch)];
    const turned = ([x, y, z]: readonly [number, number, number]): [number, number, number] => {
      const [u, w] = [x * cy + z * sy, z * cy - x * sy];
      return [u, y * cp - w * sp, y * sp + w * cp];
    };
    const faces = SIDES.map((normal, side) => {
      const [, , towards] = turned(normal);
      const [a, b] = SIDES.filter((one) => one !== normal && one.every((v, i) => v === 0 || normal[i] === 0)).filter((one) => one.some((v) => v > 0));
      const corners = ([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]] as const).map(([s, t]) => turned(
        [0, 1, 2].map((i) => (normal[i] ?? 0) / 2 + s * (a?.[i] ?? 0) + t * (b?.[i] ?? 0)) as [number, number, number]));
      return { bit: 1 << side, towards, light: (TONES[side] ?? 1) * (0.9 + 0.1 * towards), corners };
    }).filter((face) => face.towards > 0.001);
    const order = this.voxels.map((voxel) => ({ voxel, at: turned(voxel.place) })).sort((a, b) => a.at[2] - b.at[2]);
    for (const { voxel, at } of order) {
      for (const face of faces) {
        if (!(voxel.bare & face.bit)) continue;
        const colour = `rgb(${voxel.colour.map((band) => Math.round(band * face.light)).join(" ")})`;
        pen.fillStyle = colour;
        pen.strokeStyle = colour; // closes the seams between neighbours
        pen.beginPath();
        for (const [x, y] of face.corners) pen.lineTo(width / 2 + (at[0] + x) * scale, height / 2 - (at[1] + y) * scale);
        pen.closePath();
        pen.fill();
        pen.stroke();
      }
    }
  }
}
