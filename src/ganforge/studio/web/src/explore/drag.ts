/** Drag: points of the picture on the easel are pulled to where they shall be; the latent follows. */

import { button, el, fill, fresh, say } from "../base/dom";
import { refused } from "../base/notices";
import type { Latent } from "../base/protocol";
import { colours } from "../base/theme";
import type { Said } from "./condition";
import { foundCell, type Desk } from "./desk";
import { latentOf, type Made } from "./model";
import { exploreCommand, option, plainSeed, takeButton } from "./save";
import type { Tool } from "./sheets";
import { picture, showMade, showPicture } from "./show";

type Place = [number, number];
interface Pull {
  from: Place;
  to: Place;
}

export function dragTool(desk: Desk): Tool {
  const [height = 1, width = 1] = desk.opened.space.shape.slice(-2);
  const under = picture("the picture that is dragged");
  const over = el("canvas", { class: "layer", width: 512, height: Math.round((512 * height) / width) });
  const board = el("div", { class: "sketch", style: `aspect-ratio: ${width} / ${height}`, "data-drag": "" }, under, over);
  under.classList.add("layer");
  const list = el("ul", { class: "stack" });
  const said = el("p", { class: "small quiet", role: "status" });
  const found = el("div", { class: "made-sheet", "data-sheet": "dragged" });
  let pulls: Pull[] = [];
  let begun: Pull | null = null;
  let last: { made: Made; command: string | null; class: Said } | null = null;

  const place = (event: PointerEvent): Place => {
    const box = board.getBoundingClientRect();
    const one = (at: number, from: number, whole: number, most: number): number =>
      Math.min(most - 1, Math.max(0, Math.floor(((at - from) / whole) * most)));
    return [one(event.clientX, box.left, box.width, width), one(event.clientY, box.top, box.height, height)];
  };
  const mark = (): void => {
    const pen = over.getContext("2d");
    if (!pen) return;
    const tint = colours();
    pen.clearRect(0, 0, over.width, over.height);
    pen.lineWidth = 4;
    for (const { from, to } of begun ? [...pulls, begun] : pulls) {
      const [[x, y], [u, v]] = [from, to].map(([a = 0, b = 0]) => [((a + 0.5) / width) * over.width, ((b + 0.5) / height) * over.height]) as [Place, Place];
      pen.strokeStyle = tint.generated;
      pen.beginPath();
      pen.arc(x, y, 9, 0, 7);
      pen.moveTo(x, y);
      pen.lineTo(u, v);
      pen.stroke();
      pen.strokeStyle = tint.discriminator;
      pen.beginPath();
      pen.arc(u, v, 9, 0, 7);
      pen.stroke();
    }
  };
  const show = (): void => {
    mark();
    go.disabled = pulls.length === 0;
    fill(list, ...pulls.map((pull, i) => el("li", { class: "row" }, ...(["from", "to"] as const).flatMap((end) => [
      el("span", { class: "small quiet" }, end),
      ...([0, 1] as const).map((axis) => {
        const box = el("input", { type: "number", min: 0, max: (axis ? height : width) - 1, value: pull[end][axis], class: "pixel",
          "aria-label": `point ${i + 1}, ${end}, ${axis ? "y" : "x"}`, "data-point": `${i}-${end}-${axis ? "y" : "x"}`, onchange: () => {
            pull[end][axis] = Number(box.value);
            mark();
          } });
        return box;
      })]), button("×", () => {
      pulls = pulls.filter((one) => one !== pull);
      show();
    }, { class: "plain", "aria-label": `take point ${i + 1} away` }))));
  };
  board.addEventListener("pointerdown", (event) => {
    board.setPointerCapture(event.pointerId);
    const at = place(event);
    begun = { from: at, to: [...at] };
    mark();
  });
  board.addEventListener("pointermove", (event) => {
    if (!begun) return;
    begun.to = place(event);
    mark();
  });
  board.addEventListener("pointerup", () => {
    if (begun && (begun.from[0] !== begun.to[0] || begun.from[1] !== begun.to[1])) pulls = [...pulls, begun];
    begun = null;
    show();
  });
  board.addEventListener("pointercancel", () => {
    begun = null;
    mark();
  });

  const layerId = fresh("layer");
  const layer = el("select", { id: layerId, name: "layer" }, el("option", { value: "" }, "the usual features"),
    ...desk.opened.grids.map((grid, i) => el("option", { value: i }, `features of ${grid}`)));
  const go = button("Pull", () => {
    go.disabled = true;
    say(said, "Pulling …");
    const asked = desk.chosenClass;
    const typed = command();
    const points = { from: pulls.map((one) => one.from), to: pulls.map((one) => one.to) };
    desk.link.task("drag", { latent: desk.present, class: asked, ...points, ...(layer.value ? { layer: Number(layer.value) } : {}) })
      .then(({ message, binary }) => {
        if (!binary) return;
        last = { made: binary, command: typed, class: asked };
        const { share, rest, steps } = message.result ?? {};
        const part = Array.isArray(share) ? share.map((one) => `${Math.round(Number(one) * 100)} %`).join(", ") : "";
        say(said, `Came ${part} of the wanted way in ${String(steps)} steps; elsewhere the picture changed by ` +
          `${Math.round(Number(rest) * 100)} % of what sets two samples apart. Press one to take it to the easel.`);
        fill(found, ...binary.pictures.map((blob, i) => {
          const canvas = picture(`take step ${i + 1} to the easel`);
          void showPicture(canvas, blob);
          const latent = latentOf(binary, i);
          const words = i === 0 ? "before" : i === binary.pictures.length - 1 ? "after" : "";
          return foundCell(desk, canvas, words, latent && { latent, said: asked });
        }));
      }).catch((error: unknown) => {
        say(said, "");
        refused(error);
      }).finally(() => {
        go.disabled = pulls.length === 0;
      });
  }, { class: "primary", name: "drag", disabled: true });
  desk.link.on("task", (task) => {
    if (task.kind === "drag" && task.state === "running") say(said, task.words);
  });
  const draw = (): void => {
    if (board.offsetParent !== null) desk.link.make("drag", { latents: [desk.present], class: desk.chosenClass },
      (made) => void showMade(under, made, 0));
  };
  const command = (): string | null => {
    const seed = plainSeed(desk.present);
    const asked = option(desk, desk.chosenClass);
    if (seed === null || asked === undefined || (asked && asked[0] !== "--class")) return null;
    return exploreCommand(desk, "drag", "--seed", seed, ...(asked ?? []), ...(layer.value ? ["--layer", layer.value] : []),
      "--from", ...pulls.map((one) => one.from.join(",")), "--to", ...pulls.map((one) => one.to.join(",")));
  };
  show();
  return {
    element: el("div", { class: "stack" },
      el("p", { class: "small quiet" }, "Press a point of the picture, pull it to where it shall be, and let go; several move together."),
      board, list,
      el("div", { class: "row" }, go, button("Add a point", () => {
        const middle: Place = [Math.floor(width / 2), Math.floor(height / 2)];
        pulls = [...pulls, { from: middle, to: [...middle] }];
        show();
      }, { name: "add-point" }), el("label", { for: layerId, class: "small" }, "led by"), layer,
      takeButton(desk, () => {
        if (last === null) return null;
        const { made, command: same, class: asked } = last;
        const latents = made.pictures.map((_, i) => latentOf(made, i)).filter((one): one is Latent => one !== null);
        return { stem: `${desk.opened.name}-drag`, request: { latents, class: asked },
          ends: { latents: latents.filter((_, i) => i === 0 || i === latents.length - 1), class: asked }, command: same };
      }, "take-drag")),
      said, found),
    redraw: draw,
  };
}
