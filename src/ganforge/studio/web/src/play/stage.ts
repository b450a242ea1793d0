/** The picture of the game: the line, the plane or the sheet of pictures, by what the data are. */

import { el, fill } from "../base/dom";
import { short } from "../base/numbers";
import { colours, onTheme } from "../base/theme";
import { drawLine, type LineScene } from "../draw/line";
import { sharpen } from "../draw/plane";
import { drawUnit } from "../draw/units";
import { drawArrows, drawHeat, drawPoints, drawWarp, squarePlane } from "../draw/scatter";
import { asked, layersOf } from "./layers";
import { legend } from "./legend";
import type { Picked } from "./network";
import { PictureSheet } from "./pictures";
import { array, type Frame, type Scene, type Session } from "./session";

export class GameStage {
  readonly element: HTMLElement;
  private readonly canvas = el("canvas", { class: "game", role: "img", "aria-label": "The game, before it begins" });
  private readonly scratch = document.createElement("canvas");
  private readonly under = el("div", { class: "under" });
  private readonly unseen = el("p", { class: "card quiet", hidden: true },
    "Examples with so many numbers cannot be drawn. The numbers and the curves tell how the game goes.");
  private readonly starting = el("p", { class: "starting quiet", role: "status" }, "Starting the game …");
  private readonly sheet: PictureSheet;
  private readonly on = new Set<string>();
  private readonly stops: (() => void)[] = [];
  private view = "";
  private latent = 0;
  private pending = false;
  private drawnTimes: number[] = [];
  private picked: Picked | null = null;

  constructor(private readonly session: Session) {
    this.sheet = new PictureSheet(session);
    this.element = el("div", { class: "stage" }, this.canvas, this.starting, this.sheet.element, this.unseen, this.under);
    this.sheet.element.hidden = true;
    const seen = new ResizeObserver(() => this.schedule());
    seen.observe(this.canvas);
    this.stops.push(
      () => seen.disconnect(),
      onTheme(() => this.schedule()),
      session.on("scene", (scene) => this.begin(scene)),
      session.on("frame", () => this.schedule()),
    );
  }

  close(): void {
    for (const stop of this.stops) stop();
  }

  /** A unit of a network, large over the picture; null is the picture again. */
  enlarge(picked: Picked | null): void {
    this.picked = picked;
    this.element.dataset["unit"] = picked?.words ?? "";
    this.schedule();
  }

  /** What is seen, as a file; null where nothing can be drawn. */
  png(): Promise<Blob | null> {
    const canvas = this.view === "pictures" ? this.sheet.whole() : this.canvas;
    if (this.view === "numbers" || canvas.width === 0) return Promise.resolve(null);
    const made = document.createElement("canvas");
    [made.width, made.height] = [canvas.width, canvas.height];
    const pen = made.getContext("2d");
    if (!pen) return Promise.resolve(null);
    pen.fillStyle = colours().card;
    pen.fillRect(0, 0, made.width, made.height);
    pen.drawImage(canvas, 0, 0);
    return new Promise((done) => made.toBlob(done));
  }

  private begin(scene: Scene): void {
    this.starting.hidden = true;
    const { view, latent } = scene.header;
    const layers = layersOf(view, latent);
    if (view !== this.view) {
      this.on.clear();
      for (const layer of layersOf(view, 1)) if (layer.on) this.on.add(layer.name);
    }
    if (view !== this.view || latent !== this.latent) {
      this.view = view;
      this.latent = latent;
      fill(this.under, layers.length === 0 ? null : legend(layers, this.on, () => {
        this.ask();
        this.schedule();
      }));
      this.canvas.hidden = view === "pictures" || view === "numbers";
      this.unseen.hidden = view !== "numbers";
      this.sheet.element.hidden = view !== "pictures";
      this.element.dataset["view"] = view;
    }
    this.ask();
    if (view === "pictures") this.sheet.begin(scene);
    this.schedule();
  }

  private ask(): void {
    this.session.watch({ layers: asked(this.view, this.latent, this.on), heat: 40, arrows: this.view === "line" ? 28 : 70 });
  }

  private schedule(): void {
    if (this.pending) return;
    this.pending = true;
    requestAnimationFrame(() => {
      this.pending = false;
      this.draw();
    });
  }

  private draw(): void {
    const { scene, frame } = this.session;
    if (!scene) return;
    if (this.view === "pictures") {
      if (frame) this.sheet.draw(frame);
    } else if (this.view !== "numbers") {
      const sharp = sharpen(this.canvas);
      if (sharp && this.picked) {
        const { player, unit } = this.picked;
        const points = array(scene, player.over);
        const few = points && (points.shape[1] ?? 0) === player.bounds.length / 2 ? points.data : [];
        drawUnit(sharp.pen, sharp.width, sharp.height, player, unit, few, colours(), this.scratch);
      } else if (sharp) {
        if (this.view === "line") this.drawLine(sharp.pen, sharp.width, sharp.height, scene, frame);
        else this.drawPlane(sharp.pen, sharp.width, sharp.height, scene, frame);
        this.describe(frame);
      }
    }
    if (frame) {
      this.session.drawn(frame.header.frame);
      this.count();
    }
  }

  private drawLine(pen: CanvasRenderingContext2D, width: number, height: number, scene: Scene, frame: Frame | null): void {
    const none = new Float32Array(0);
    const generated = array(frame, "generated");
    const arrows = array(frame, "arrows");
    const z = array(frame, "map_z");
    const x = array(frame, "map_x");
    const picture: LineScene = {
      x: array(scene, "x")?.data ?? none,
      dataDensity: array(scene, "p_data")?.data ?? none,
      generatedDensity: array(frame, "p_g")?.data ?? none,
      discriminator: array(frame, "d")?.data ?? none,
      optimal: array(frame, "best")?.data ?? none,
      arrows: generated && arrows ? { x: generated.data.subarray(0, arrows.data.length), push: arrows.data } : null,
      map: z && x ? { z: z.data, x: x.data } : null,
    };
    const on = this.on;
    drawLine(pen, width, height, picture, {
      data: on.has("data"), generated: on.has("generated") && frame !== null,
      discriminator: on.has("discriminator") && frame !== null, optimal: on.has("optimal") && frame !== null,
      half: on.has("half"), arrows: on.has("arrows"), map: on.has("map"),
    }, colours());
  }

  private drawPlane(pen: CanvasRenderingContext2D, width: number, height: number, scene: Scene, frame: Frame | null): void {
    const tint = colours();
    const [x0 = -1, x1 = 1, y0 = -1, y1 = 1] = frame?.header.bounds ?? scene.header.bounds ?? [];
    const plane = squarePlane(width, height, [x0, x1, y0, y1]);
    const heat = array(frame, "heat");
    if (heat && this.on.has("heat")) {
      const values = Float32Array.from(heat.data, (value) => value / 255);
      drawHeat(pen, plane, { values, side: heat.shape[0] ?? 1 }, tint, this.scratch);
    }
    const grid = array(frame, "grid");
    if (grid && this.on.has("grid")) {
      const side = grid.shape.length === 3 ? (grid.shape[0] ?? 1) : 1;
      if (side > 1) drawWarp(pen, plane, grid.data, side, tint.generated);
      else drawThread(pen, plane, grid.data, tint.generated);
    }
    const real = array(scene, "real");
    if (real && this.on.has("real")) {
      const few = real.data.length > 1000 ? real.data.subarray(0, 1000) : real.data;
      drawPoints(pen, plane, few, tint.real, tint.card, true);
    }
    const generated = array(frame, "generated");
    if (generated && this.on.has("generated")) {
      drawPoints(pen, plane, generated.data, tint.generated, tint.card, false);
    }
    const arrows = array(frame, "arrows");
    if (arrows && generated && this.on.has("arrows")) {
      drawArrows(pen, plane, generated.data.subarray(0, arrows.data.length), arrows.data, tint.arrow);
    }
  }

  /** In words, for those who do not see the picture. */
  private describe(frame: Frame | null): void {
    if (!frame) return;
    const { numbers, round } = frame.header;
    const parts = [`Round ${round.toLocaleString("en-GB")}`];
    const told: [string, string][] = [
      ["accuracy_real", "share of real examples called real"], ["accuracy_fake", "share of generated ones called generated"],
      ["modes_covered", "modes covered"], ["good_share", "share of good samples"], ["value", "value of the game"],
      ["distance_to_best", "distance between D and D*"], ["js", "Jensen–Shannon divergence"],
    ];
    for (const [key, words] of told) {
      const value = numbers[key];
      if (value !== null && value !== undefined) parts.push(`${words} ${short(value)}`);
    }
    this.canvas.setAttribute("aria-label", parts.join("; "));
  }

  /** Frames a second, as they were drawn, for whoever measures (`data-fps`). */
  private count(): void {
    const now = performance.now();
    this.drawnTimes.push(now);
    while ((this.drawnTimes[0] ?? now) < now - 2000) this.drawnTimes.shift();
    this.element.dataset["fps"] = (this.drawnTimes.length / 2).toFixed(1);
    this.element.dataset["frame"] = String(this.session.frame?.header.frame ?? 0);
  }
}

function drawThread(
  pen: CanvasRenderingContext2D, plane: ReturnType<typeof squarePlane>, points: ArrayLike<number>, colour: string,
): void {
  pen.strokeStyle = colour;
  pen.lineWidth = 1.4;
  pen.beginPath();
  for (let i = 0; i + 1 < points.length; i += 2) {
    const x = ((points[i] ?? 0) - plane.left) / (plane.right - plane.left) * plane.width;
    const y = (plane.top - (points[i + 1] ?? 0)) / (plane.top - plane.bottom) * plane.height;
    if (i === 0) pen.moveTo(x, y);
    else pen.lineTo(x, y);
  }
  pen.stroke();
}
