/** Taking away what a tool shows: files, and the command and the Python that make the same. */

import { openDialog } from "../base/dialog";
import { button, el } from "../base/dom";
import { codeBlock, save } from "../base/files";
import { refused } from "../base/notices";
import type { Latent } from "../base/protocol";
import { asWords, type Said } from "./condition";
import type { Desk } from "./desk";
import type { Request } from "./model";
import { quoted, sampleCommand } from "./state";

/** What a tool shows. */
export interface Taken {
  /** Of the files, without suffix. */
  stem: string;
  request: Request;
  /** Where a film walks; left out, there is none. */
  ends?: Request;
  /** The command that makes the same; null where none does. */
  command: string | null;
}

/** A button for what a tool shows now; null where it shows nothing yet. */
export function takeButton(desk: Desk, what: () => Taken | null, name: string): HTMLButtonElement {
  return button("Take away …", () => {
    const taken = what();
    if (taken) takeAway(desk, taken);
    else refused(new Error("There is nothing to take away yet: fill the places first."));
  }, { name });
}

export function takeAway(desk: Desk, { stem, request, ends, command }: Taken, drawn: HTMLCanvasElement | null = null): void {
  const { opened, link } = desk;
  const one = request.latents.length === 1;
  const give = (title: string, name: string, what: Request, form: "own" | "sheet" | "film"): HTMLButtonElement => button(title, () => {
    link.file(what, form).then(({ header, pictures }) =>
      pictures[0] && save(`${stem}${String(header["suffix"])}`, pictures[0])).catch(refused);
  }, { name });
  const own = opened.suffix ?? ".png";
  openDialog(`Take away from ‘${opened.name}’`, el("div", { class: "stack" },
    el("div", { class: "row" },
      one && !("mixed" in (request.latents[0] ?? {})) ? give(`Its own file, ${own}`, "save-file", request, "own") : null,
      one ? null : give("The sheet, PNG", "save-sheet", request, "sheet"),
      drawn === null || drawn.hidden || own === ".png" ? null :
        button("The picture, PNG", () => drawn.toBlob((blob) => blob && save(`${stem}.png`, blob)), { name: "save-png" }),
      ends && opened.view === "pictures" ? give("The film, GIF", "save-film", ends, "film") : null),
    command === null ? el("p", { class: "quiet" }, "No command names these latents; Python does:") :
      el("p", {}, "The same on the command line:"),
    command === null ? null : codeBlock(command, "Copy the command", "command"),
    codeBlock(python(desk, stem, ends ?? request, ends ? "film" : one ? "own" : "sheet"), "Copy the Python", "python")));
}

export function saveSample(desk: Desk, canvas: HTMLCanvasElement): void {
  const { opened, truncation, present, chosenClass } = desk;
  const base = plainSeed(desk.base);
  const levelled = desk.state("").by.length === 0;
  takeAway(desk, {
    stem: `${opened.name}-${base === null ? "sample" : `seed-${base}`}`,
    request: { latents: [present], class: chosenClass },
    command: base !== null && levelled ? seedsCommand(desk, [base], chosenClass, { truncation }) : null,
  }, canvas);
}

/** `gan sample` of these seeds; null where no option says what they are asked for. */
export function seedsCommand(desk: Desk, seeds: readonly number[], said: Said,
  more: { truncation?: number; grid?: string; film?: string } = {}): string | null {
  const asked = option(desk, said);
  if (asked === undefined) return null;
  const [first, last] = [seeds[0] ?? 0, seeds.at(-1) ?? 0];
  const run = seeds.length > 2 && last - first === seeds.length - 1;
  return sampleCommand(desk.path, { seeds: run ? `${first}-${last}` : seeds.join(","), said: asked, ...more });
}

/** `gan explore` with a question and its options. */
export function exploreCommand(desk: Desk, ...words: (string | number)[]): string {
  return ["gan", "explore", desk.path, ...words].map((word) => quoted(String(word))).join(" ");
}

/** The seed of a latent that is one and nothing else. */
export function plainSeed(latent: Latent): number | null {
  return "seed" in latent && !("near" in latent) && !latent.start ? latent.seed : null;
}

/** `--class 4` or `--text …`; null for nothing, undefined where no option says it. */
export function option(desk: Desk, said: Said): [string, string] | null | undefined {
  if (said === null) return null;
  const words = asWords(desk.opened, said);
  if (words === null) return undefined;
  const kind = desk.opened.condition?.kind ?? "class";
  return [kind === "class" ? "--class" : kind === "text" ? "--text" : "--where", words];
}

/** The studio's own latents, in Python: what the picture is made of stands in it. */
function python(desk: Desk, stem: string, request: Request, form: string): string {
  const told = [literal(request.latents), literal(request.class), ...(form === "own" ? [] : [literal(form)])];
  return `from pathlib import Path\n\nfrom ganforge.studio.model import Model\n\n` +
    `model = Model(${literal(desk.path)}${desk.moment === "chosen" ? "" : `, moment=${literal(desk.moment)}`})\n` +
    `content, suffix, _ = model.file(${told.join(", ")})\nPath(${literal(stem)} + suffix).write_bytes(content)\n`;
}

function literal(value: unknown): string {
  if (value === null || value === undefined) return "None";
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value !== "object") return JSON.stringify(value);
  return `{${Object.entries(value).map(([key, one]) => `${JSON.stringify(key)}: ${literal(one)}`).join(", ")}}`;
}
