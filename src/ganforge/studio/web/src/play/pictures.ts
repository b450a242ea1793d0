/** Digits and one's own pictures: fixed latents, D's score under each, its advice on hover or focus. */

import { el, fill, say } from "../base/dom";
import { short } from "../base/numbers";
import { Refusal } from "../base/socket";
import { colours } from "../base/theme";
import { adviceImage, paint, pictureImage } from "../draw/pixels";
import { array, type Frame, type Scene, type Session } from "./session";

interface Cell {
  button: HTMLButtonElement;
  picture: HTMLCanvasElement;
  score: HTMLElement;
}

const SHOWN = 32;
const REALS = 16;

export class PictureSheet {
  readonly element: HTMLElement;
  private readonly made = el("div", { class: "sheet", role: "group", "aria-label": "Generated pictures" });
  private readonly reals = el("div", { class: "sheet reals", role: "img", "aria-label": "Real examples" });
  private readonly says = el("p", { class: "advice-words small", role: "status" });
  /** The picture pointed at and the advice for it, side by side: neither hides the other. */
  private readonly pointedAt = el("canvas", { class: "sharp" });
  private readonly advice = el("canvas", { class: "sharp advice" });
  private readonly pair = el("div", { class: "advice-pair", hidden: true, "aria-hidden": "true" }, this.pointedAt, this.advice);
  private cells: Cell[] = [];
  private pointed = -1;
  private asking = false;

  constructor(private readonly session: Session) {
    this.element = el("div", { class: "sheets" },
      el("h3", {}, "Generated from fixed latents, and D’s probability of ‘real’"),
      this.made,
      el("div", { class: "advice-row" }, this.pair, this.says),
      el("h3", {}, "Real"),
      this.reals);
    this.idle();
  }

  begin(scene: Scene): void {
    const real = array(scene, "real");
    this.cells = [];
    fill(this.made);
    fill(this.reals);
    if (!real) return;
    const shape = real.shape.slice(1);
    const size = shape.reduce((product, side) => product * side, 1);
    for (let i = 0; i < Math.min(REALS, real.shape[0] ?? 0); i += 1) {
      const canvas = el("canvas", { class: "sharp" });
      paint(canvas, pictureImage(real.data, i * size, shape));
      this.reals.append(canvas);
    }
  }

  /** The generated pictures, eight a row. */
  whole(): HTMLCanvasElement {
    const made = document.createElement("canvas");
    const first = this.cells[0]?.picture;
    if (!first) return made;
    const [wide, high] = [first.width + 2, first.height + 2];
    const times = Math.max(1, Math.floor(96 / Math.max(wide, high)));
    [made.width, made.height] = [8 * wide * times, Math.ceil(this.cells.length / 8) * high * times];
    const pen = made.getContext("2d");
    if (!pen) return made;
    pen.imageSmoothingEnabled = false;
    this.cells.forEach(({ picture }, i) => pen.drawImage(picture, (i % 8) * wide * times + times, Math.floor(i / 8) * high * times + times,
      picture.width * times, picture.height * times));
    return made;
  }

  draw(frame: Frame): void {
    const generated = array(frame, "generated");
    if (!generated) return;
    const shape = generated.shape.slice(1);
    const size = shape.reduce((product, side) => product * side, 1);
    const scores = array(frame, "d");
    const count = Math.min(SHOWN, generated.shape[0] ?? 0);
    while (this.cells.length < count) this.grow();
    for (let i = 0; i < count; i += 1) {
      const cell = this.cells[i];
      if (!cell) continue;
      paint(cell.picture, pictureImage(generated.data, i * size, shape));
      const score = scores?.data[i];
      say(cell.score, score === undefined ? "–" : score.toFixed(2));
      cell.button.style.setProperty("--share", String(score ?? 0));
      cell.button.setAttribute("aria-label", `Picture ${i + 1}: ${score === undefined ? "no score" : `real with ${score.toFixed(2)}`}`);
    }
    if (this.pointed >= 0) void this.ask();
  }

  private grow(): void {
    const index = this.cells.length;
    const picture = el("canvas", { class: "sharp" });
    const score = el("span", { class: "score" }, "–");
    const point = (): void => this.point(index);
    const leave = (): void => this.leave(index);
    const button = el("button", {
      type: "button", class: "cell", onpointerenter: point, onfocus: point, onpointerleave: leave, onblur: leave,
    }, picture, score);
    this.cells.push({ button, picture, score });
    this.made.append(button);
  }

  private point(index: number): void {
    this.pointed = index;
    void this.ask();
  }

  private leave(index: number): void {
    if (this.pointed === index) {
      this.pointed = -1;
      this.idle();
    }
  }

  private idle(): void {
    this.pair.hidden = true;
    say(this.says, "Point at a picture, or move to it with Tab, to see what the discriminator would have changed: green brighter, orange darker.");
  }

  /** The advice for the picture pointed at; one question at a time. */
  private async ask(): Promise<void> {
    if (this.asking || this.pointed < 0) return;
    this.asking = true;
    const index = this.pointed;
    try {
      const advice = await this.session.advice(index);
      const cell = this.cells[index];
      if (cell && this.pointed === index) {
        paint(this.advice, adviceImage(advice.change, advice.shape, advice.largest, colours()));
        this.pointedAt.width = cell.picture.width;
        this.pointedAt.height = cell.picture.height;
        this.pointedAt.getContext("2d")?.drawImage(cell.picture, 0, 0);
        this.pair.hidden = false;
        say(this.says, `Picture ${index + 1}, real with ${short(advice.probability)}. The discriminator’s advice, in grey levels by row and column: ${advice.words}.`);
      }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      say(this.says, error.message);
    } finally {
      this.asking = false;
      if (this.pointed >= 0 && this.pointed !== index) void this.ask();
    }
  }
}
