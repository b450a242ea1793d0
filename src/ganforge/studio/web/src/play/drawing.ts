/** Free drawing: spray points with a pointer, or move a cross with the arrow keys and press Space. */

import { button, el, fresh, say } from "../base/dom";
import { clamp } from "../base/numbers";
import { colours, onTheme } from "../base/theme";
import { drawPoints, squarePlane } from "../draw/scatter";
import { fromX, fromY, sharpen, toX, toY } from "../draw/plane";

export interface DrawingOptions {
  points: number[][];
  most: number;
  done(points: number[][]): void;
}

const REACH = 2;
const LEAST = 16;
const SPRAY = 4;

export function drawingBoard(options: DrawingOptions): HTMLElement {
  let points = options.points.map((point) => [...point]);
  const strokes: number[] = [];
  let cross: [number, number] = [0, 0];
  let width = 0.12;
  let down = false;
  const words = el("p", { class: "small quiet", role: "status" });
  const canvas = el("canvas", {
    class: "board", tabindex: 0, role: "application",
    "aria-label": "Drawing board. Arrow keys move the cross, Space sprays points, Backspace takes the last stroke back.",
  });
  const use = button("Learn this", () => options.done(points), { class: "primary", name: "use-drawing" });
  const tell = (): void => {
    const missing = LEAST - points.length;
    say(words, missing > 0 ? `${points.length} points; ${missing} more are needed.` :
      `${points.length} of at most ${options.most} points.`);
    use.disabled = missing > 0;
  };
  const plane = (): ReturnType<typeof squarePlane> =>
    squarePlane(canvas.clientWidth, canvas.clientHeight, [-REACH, REACH, -REACH, REACH]);
  const paint = (): void => {
    const sharp = sharpen(canvas);
    if (!sharp) return;
    const tint = colours();
    const here = plane();
    drawPoints(sharp.pen, here, points.flat(), tint.real, tint.card, true);
    const [x, y] = [toX(here, cross[0]), toY(here, cross[1])];
    sharp.pen.strokeStyle = tint.ink;
    sharp.pen.lineWidth = 1;
    sharp.pen.beginPath();
    sharp.pen.arc(x, y, (width / (2 * REACH)) * canvas.clientWidth, 0, 6.2832);
    sharp.pen.moveTo(x - 5, y);
    sharp.pen.lineTo(x + 5, y);
    sharp.pen.moveTo(x, y - 5);
    sharp.pen.lineTo(x, y + 5);
    sharp.pen.stroke();
  };
  const spray = (): void => {
    for (let i = 0; i < SPRAY && points.length < options.most; i += 1) {
      const [angle, radius] = [Math.random() * 6.2832, Math.sqrt(Math.random()) * width];
      // Rounded as they are in the address, so that what is shared is what is learned.
      points.push([cross[0] + Math.cos(angle) * radius, cross[1] + Math.sin(angle) * radius]
        .map((value) => Number(clamp(value, -REACH, REACH).toFixed(2))));
    }
    tell();
    paint();
  };
  const aim = (event: PointerEvent): void => {
    const box = canvas.getBoundingClientRect();
    cross = [fromX(plane(), event.clientX - box.left), fromY(plane(), event.clientY - box.top)];
  };
  canvas.addEventListener("pointerdown", (event) => {
    down = true;
    canvas.setPointerCapture(event.pointerId);
    strokes.push(points.length);
    aim(event);
    spray();
  });
  canvas.addEventListener("pointermove", (event) => {
    aim(event);
    if (down) spray();
    else paint();
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => {
    down = false;
  });
  const undo = (): void => {
    points = points.slice(0, strokes.pop() ?? 0);
    tell();
    paint();
  };
  canvas.addEventListener("keydown", (event) => {
    const step = event.shiftKey ? 0.25 : 0.08;
    const moves: Record<string, [number, number]> = {
      ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step],
    };
    const move = moves[event.key];
    if (move) cross = [clamp(cross[0] + move[0], -REACH, REACH), clamp(cross[1] + move[1], -REACH, REACH)];
    else if (event.key === " ") {
      strokes.push(points.length);
      spray();
    } else if (event.key === "Backspace") undo();
    else return;
    event.preventDefault();
    paint();
  });
  const id = fresh("brush");
  const brush = el("input", { id, type: "range", min: 0.02, max: 0.5, step: 0.02, value: width, oninput: () => {
    width = Number(brush.value);
    paint();
  } });
  tell();
  new ResizeObserver(paint).observe(canvas);
  const stop = onTheme(() => {
    if (canvas.isConnected) paint();
    else stop();
  });
  return el("div", { class: "stack" },
    el("p", {}, "Spray points with the mouse or a finger. With the keyboard: arrow keys move the cross, Space sprays."),
    canvas, words,
    el("div", { class: "row" }, el("label", { for: id }, "brush"), el("div", { class: "brush" }, brush),
      button("Take back", undo), button("Clear", () => {
        points = [];
        strokes.length = 0;
        tell();
        paint();
      }), el("span", { class: "grow" }), use));
}
