/** Painting an input in the colours of the run's own: label maps, drawings. */

import { button, el, fresh } from "../base/dom";
import { clamp } from "../base/numbers";
import { flood, hex, type Palette, type Rgb } from "./palette";

export interface Painter {
  element: HTMLElement;
  load(picture: Blob): Promise<void>;
}

/** `done` takes the picture after each stroke. */
export function painter({ colours }: Palette, wide: number, high: number, done: (picture: File) => void): Painter {
  const canvas = el("canvas", { width: wide, height: high, class: "sharp paint", tabindex: 0, role: "application", "data-paint": "",
    "aria-label": "An input to paint. Arrow keys move the brush, Space paints, Shift makes larger steps.",
    style: `aspect-ratio: ${wide} / ${high}` });
  const mark = el("span", { class: "brush-mark", "aria-hidden": "true" });
  let colour: Rgb = colours[0] ?? [0, 0, 0];
  let width = Math.max(1, Math.round(wide / 16));
  let fills = false;
  let down = false;
  let at: [number, number] = [wide / 2, high / 2];
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const clear = (): void => {
    if (!pen) return;
    pen.fillStyle = hex(colours[0] ?? [0, 0, 0]);
    pen.fillRect(0, 0, wide, high);
  };
  clear();
  const dab = (from: [number, number]): void => {
    if (!pen) return;
    if (fills) {
      const image = pen.getImageData(0, 0, wide, high);
      flood(image.data, wide, Math.floor(at[0]), Math.floor(at[1]), colour);
      pen.putImageData(image, 0, 0);
      return;
    }
    // Whole pixels: a smooth edge would have colours that mean nothing.
    pen.fillStyle = hex(colour);
    const steps = Math.max(1, Math.ceil(Math.hypot(at[0] - from[0], at[1] - from[1])));
    for (let k = 0; k <= steps; k += 1) {
      const [x, y] = [from[0] + ((at[0] - from[0]) * k) / steps, from[1] + ((at[1] - from[1]) * k) / steps];
      pen.fillRect(Math.round(x - width / 2), Math.round(y - width / 2), width, width);
    }
  };
  const show = (): void => {
    mark.style.cssText = `left: ${(at[0] / wide) * 100}%; top: ${(at[1] / high) * 100}%; ` +
      `width: ${(width / wide) * 100}%; aspect-ratio: 1; --tone: ${hex(colour)}`;
  };
  const aim = (event: PointerEvent): void => {
    const box = canvas.getBoundingClientRect();
    at = [((event.clientX - box.left) / box.width) * wide, ((event.clientY - box.top) / box.height) * high];
  };
  const give = (): void => canvas.toBlob((blob) => blob && done(new File([blob], "painted.png", { type: "image/png" })));
  canvas.addEventListener("pointerdown", (event) => {
    down = true;
    canvas.setPointerCapture(event.pointerId);
    aim(event);
    dab(at);
    show();
  });
  canvas.addEventListener("pointermove", (event) => {
    const before = at;
    aim(event);
    if (down && !fills) dab(before);
    show();
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => {
    if (down) give();
    down = false;
  });
  canvas.addEventListener("keydown", (event) => {
    const step = event.shiftKey ? wide / 8 : 1;
    const moves: Record<string, [number, number]> = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    const move = moves[event.key];
    if (move) at = [clamp(at[0] + move[0], 0, wide - 1), clamp(at[1] + move[1], 0, high - 1)];
    else if (event.key === " ") {
      dab(at);
      give();
    } else return;
    event.preventDefault();
    show();
  });
  const swatches = colours.map((one, i) => {
    const swatch = button("", () => {
      colour = one;
      for (const other of swatches) other.setAttribute("aria-pressed", String(other === swatch));
      show();
    }, { class: "dab", style: `--tone: ${hex(one)}`, "aria-label": `colour ${i + 1}, ${hex(one)}`, "aria-pressed": String(i === 0) });
    return swatch;
  });
  const fill = el("input", { type: "checkbox", id: fresh("fill"), onchange: () => {
    fills = fill.checked;
  } });
  const brush = el("input", { id: fresh("brush"), type: "range", min: 1, max: Math.max(2, Math.round(wide / 4)), value: width, oninput: () => {
    width = Number(brush.value);
    show();
  } });
  show();
  return {
    element: el("div", { class: "stack painter" },
      el("div", { class: "row swatches", role: "group", "aria-label": "Colours" }, ...swatches),
      el("div", { class: "paint-holder" }, canvas, mark),
      el("div", { class: "row" }, el("label", { for: brush.id, class: "small" }, "width"), el("div", { class: "brush" }, brush),
        el("div", { class: "check" }, fill, el("label", { for: fill.id, class: "small" }, "fill areas")),
        button("Clear", () => {
          clear();
          give();
        }, { class: "plain" }))),
    async load(picture) {
      const bitmap = await createImageBitmap(picture);
      if (pen) pen.imageSmoothingEnabled = false;
      pen?.drawImage(bitmap, 0, 0, wide, high);
      bitmap.close();
    },
  };
}
