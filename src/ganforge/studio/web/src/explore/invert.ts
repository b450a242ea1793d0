/** Inversion: drop a picture and find latents that make it; what is masked is made up, strokes are kept. */

import { button, el, fill, say } from "../base/dom";
import { refused } from "../base/notices";
import { short } from "../base/numbers";
import { foundCell, type Desk } from "./desk";
import { dropZone } from "./drop";
import { latentOf } from "./model";
import type { Tool } from "./sheets";
import { picture, showPicture } from "./show";
import { sketch } from "./sketch";

const MOST = 3 * 2 ** 20;

export function inversionTool(desk: Desk): Tool {
  const board = sketch();
  const said = el("p", { class: "small quiet", role: "status" });
  const found = el("div", { class: "made-sheet", "data-sheet": "found" });
  const load = (blob: Blob): void => {
    if (blob.size > MOST) return refused(new Error("That picture is larger than 3 MB; make it smaller first."));
    board.load(blob).then(() => say(said, "Paint over what it should make up, or find latents for the whole picture."))
      .catch(() => refused(new Error("That file is no picture that the browser can read; use PNG or JPEG.")));
  };
  const fromEasel = (): void => desk.link.make("invert", { latents: [desk.present], class: desk.chosenClass }, (made) => {
    const blob = made.pictures[0];
    if (blob) load(blob);
  });
  const go = button("Find latents", () => {
    const given = { picture: board.picture(), mask: board.mask(), strokes: board.strokes() };
    if (!given.picture && !given.strokes) return say(said, "Drop a picture first, or draw some strokes.");
    go.disabled = true;
    say(said, "Looking …");
    const asked = desk.chosenClass;
    desk.link.task("invert", { ...given, class: asked }).then(({ message, binary }) => {
      if (!binary) return;
      const errors = message.result?.["error"];
      const answers = Array.isArray(errors) ? errors.length : 1;
      say(said, "Done: what was given, what was found, and, with a mask or strokes, what was given with the rest made up. " +
        "Press one to take it to the easel.");
      fill(found, ...binary.pictures.map((blob, i) => {
        const canvas = picture(i === 0 ? "what was given" : `take found picture ${i} to the easel`);
        void showPicture(canvas, blob);
        const answer = (i - 1) % answers;
        const error = Array.isArray(errors) ? errors[answer] : undefined;
        const words = i === 0 ? "given" : i > answers ? "filled in" :
          `found${typeof error === "number" ? `, error ${short(error)}` : ""}`;
        const latent = i === 0 ? null : latentOf(binary, answer);
        return foundCell(desk, canvas, words, latent && { latent, said: asked });
      }));
    }).catch((error: unknown) => {
      say(said, "");
      refused(error);
    }).finally(() => {
      go.disabled = false;
    });
  }, { class: "primary", name: "invert" });
  desk.link.on("task", (task) => {
    if (task.kind === "invert" && task.state === "running") {
      say(said, `${task.words}${task.done === null ? "" : ` ${Math.round(task.done * 100)} %`}`);
    }
  });
  return {
    element: el("div", { class: "stack" },
      dropZone("Drop a picture here", "invert-file", load),
      el("div", { class: "row" }, button("Use the one on the easel", fromEasel, { name: "invert-easel" })),
      board.element, el("div", { class: "row" }, go), said, found),
    redraw: () => undefined,
  };
}
