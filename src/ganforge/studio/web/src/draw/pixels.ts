/** Small pictures from bytes, and the discriminator's advice as a heat map over one. Pure drawing. */

import type { Colours } from "../base/theme";

/** One picture (C, H, W) of bytes as an image: one channel is grey, three are red, green and blue. */
export function pictureImage(bytes: ArrayLike<number>, start: number, shape: readonly number[]): ImageData {
  const [channels = 1, height = 1, width = 1] = shape;
  const image = new ImageData(width, height);
  const area = height * width;
  for (let i = 0; i < area; i += 1) {
    for (let c = 0; c < 3; c += 1) {
      image.data[i * 4 + c] = bytes[start + (channels >= 3 ? c * area : 0) + i] ?? 0;
    }
    image.data[i * 4 + 3] = channels === 4 || channels === 2 ? (bytes[start + (channels - 1) * area + i] ?? 255) : 255;
  }
  return image;
}

function part(hex: string, at: number): number {
  return Number.parseInt(hex.slice(at, at + 2), 16);
}

/** Where the discriminator would have it brighter (green) or darker (orange); strength is opacity. */
export function adviceImage(change: ArrayLike<number>, shape: readonly number[], largest: number, colours: Colours): ImageData {
  const [channels = 1, height = 1, width = 1] = shape;
  const image = new ImageData(width, height);
  const area = height * width;
  for (let i = 0; i < area; i += 1) {
    let sum = 0;
    for (let c = 0; c < channels; c += 1) sum += change[c * area + i] ?? 0;
    const share = Math.max(-1, Math.min(1, sum / channels / (largest || 1)));
    const tint = share > 0 ? colours.real : colours.generated;
    image.data[i * 4] = part(tint, 1);
    image.data[i * 4 + 1] = part(tint, 3);
    image.data[i * 4 + 2] = part(tint, 5);
    image.data[i * 4 + 3] = Math.round(Math.abs(share) ** 0.7 * 235);
  }
  return image;
}

export function paint(canvas: HTMLCanvasElement, image: ImageData): void {
  if (canvas.width !== image.width || canvas.height !== image.height) {
    canvas.width = image.width;
    canvas.height = image.height;
  }
  canvas.getContext("2d")?.putImageData(image, 0, 0);
}
