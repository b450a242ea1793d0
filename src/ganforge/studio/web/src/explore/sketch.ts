/** A canvas over a dropped picture: paint what is unknown (a mask), or draw strokes that must be there. */

import { button, el, fresh } from "../base/dom";
import { clamp } from "../base/numbers";

export interface Sketch {
  element: HTMLElement;
  load(blob: Blob): Promise<void>;
  /** PNG as data addresses; null where nothing was given. */
  picture(): string | null;
  mask(): string | null;
  strokes(): string | null;
}

const SIDE = 256;
type Mode = "mask" | "stroke" | "erase";

export function sketch(): Sketch {
  const layers = { picture: layer("under"), strokes: layer("strokes"), mask: layer("mask") };
  const cursor = layer("cursor");
  const has = { picture: false, strokes: false, mask: false };
  let mode: Mode = "mask";
  let width = 24;
  let at: [number, number] = [SIDE / 2, SIDE / 2];
  let down = false;
  const board = el("div", { class: "sketch", tabindex: 0, role: "application",
    "aria-label": "Canvas. Arrow keys move the brush, Space paints, Shift makes larger steps." },
  layers.picture, layers.strokes, layers.mask, cursor);
  const colourId = fresh("colour");
  const colour = el("input", { id: colourId, type: "color", value: "#808080" });
  const show = (): void => {
    const pen = cursor.getContext("2d");
    if (!pen) return;
    pen.clearRect(0, 0, SIDE, SIDE);
    pen.lineWidth = 1.5;
    for (const [tint, radius] of [["#000", width / 2], ["#fff", width / 2 - 1.5]] as const) {
      pen.strokeStyle = tint;
      pen.beginPath();
      pen.arc(at[0], at[1], Math.max(1, radius), 0, 6.2832);
      pen.stroke();
    }
  };
  const dab = (from: [number, number]): void => {
    const targets = mode === "erase" ? [layers.strokes, layers.mask] : [mode === "mask" ? layers.mask : layers.strokes];
    if (mode === "mask") has.mask = true;
    if (mode === "stroke") has.strokes = true;
    for (const target of targets) {
      const pen = target.getContext("2d");
      if (!pen) continue;
      pen.globalCompositeOperation = mode === "erase" ? "destination-out" : "source-over";
      pen.strokeStyle = mode === "mask" ? "#ffffff" : colour.value;
      pen.lineWidth = width;
      pen.lineCap = "round";
      pen.beginPath();
      pen.moveTo(...from);
      pen.lineTo(at[0] + 0.01, at[1]);
      pen.stroke();
    }
  };
  const aim = (event: PointerEvent): void => {
    const box = board.getBoundingClientRect();
    at = [((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * SIDE];
  };
  board.addEventListener("pointerdown", (event) => {
    down = true;
    board.setPointerCapture(event.pointerId);
    aim(event);
    dab(at);
  });
  board.addEventListener("pointermove", (event) => {
    const before = at;
    aim(event);
    if (down) dab(before);
    show();
  });
  for (const end of ["pointerup", "pointercancel"]) board.addEventListener(end, () => {
    down = false;
  });
  board.addEventListener("keydown", (event) => {
    const step = event.shiftKey ? 24 : 8;
    const moves: Record<string, [number, number]> = {
      ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step],
    };
    const move = moves[event.key];
    if (move) at = [clamp(at[0] + move[0], 0, SIDE), clamp(at[1] + move[1], 0, SIDE)];
    else if (event.key === " ") dab(at);
    else return;
    event.preventDefault();
    show();
  });
  const modes = ([["mask", "Unknown here"], ["stroke", "Draw"], ["erase", "Rub out"]] as const).map(([name, title]) => {
    const one = button(title, () => {
      mode = name;
      for (const other of modes) other.setAttribute("aria-pressed", String(other === one));
    }, { "aria-pressed": String(name === mode), "data-mode": name });
    return one;
  });
  const widthId = fresh("brush");
  const brush = el("input", { id: widthId, type: "range", min: 4, max: 96, step: 2, value: width, oninput: () => {
    width = Number(brush.value);
    show();
  } });
  const read = (canvas: HTMLCanvasElement, given: boolean): string | null => (given ? canvas.toDataURL("image/png") : null);
  show();
  return {
    element: el("div", { class: "stack" }, board, el("div", { class: "row", role: "group", "aria-label": "Brush" }, ...modes),
      el("div", { class: "row" }, el("label", { for: widthId, class: "small" }, "width"), el("div", { class: "brush" }, brush),
        el("label", { for: colourId, class: "small" }, "colour"), colour,
        button("Clear", () => {
          for (const one of [layers.strokes, layers.mask]) one.getContext("2d")?.clearRect(0, 0, SIDE, SIDE);
          has.strokes = false;
          has.mask = false;
        }, { class: "plain" }))),
    async load(blob) {
      const bitmap = await createImageBitmap(blob);
      const pen = layers.picture.getContext("2d");
      pen?.clearRect(0, 0, SIDE, SIDE);
      pen?.drawImage(bitmap, 0, 0, SIDE, SIDE);
      bitmap.close();
      has.picture = true;
    },
    picture: () => read(layers.picture, has.picture),
    mask: () => (has.mask ? onBlack(layers.mask) : null),
    strokes: () => read(layers.strokes, has.strokes),
  };
}

function layer(name: string): HTMLCanvasElement {
  return el("canvas", { class: `layer ${name}`, width: SIDE, height: SIDE, "aria-hidden": "true" });
}

/** White where unknown, black elsewhere. */
function onBlack(mask: HTMLCanvasElement): string {
  const whole = document.createElement("canvas");
  whole.width = SIDE;
  whole.height = SIDE;
  const pen = whole.getContext("2d");
  if (pen) {
    pen.fillStyle = "#000000";
    pen.fillRect(0, 0, SIDE, SIDE);
    pen.drawImage(mask, 0, 0);
  }
  return whole.toDataURL("image/png");
}
