/** Taking the sample on the easel away: its own file, its picture, the command and the Python that make the same. */

import { openDialog } from "../base/dialog";
import { button, el } from "../base/dom";
import { codeBlock, save } from "../base/files";
import { refused } from "../base/notices";
import { asWords, type Said } from "./condition";
import type { Desk } from "./desk";
import { sampleCommand } from "./state";

export function saveSample(desk: Desk, canvas: HTMLCanvasElement): void {
  const { base, opened, path, truncation } = desk;
  const seed = "seed" in base && !("near" in base) && !base.start ? base.seed : null;
  const stem = `${opened.name}-${seed === null ? "sample" : `seed-${seed}`}`;
  const levelled = desk.state("").by.length === 0;
  const said = option(desk, desk.chosenClass);
  const plain = seed !== null && levelled && said !== undefined;
  const own = opened.suffix ?? ".png";
  openDialog(`Save from ‘${opened.name}’`, el("div", { class: "stack" },
    el("div", { class: "row" },
      button(`Its own file, ${own}`, () => {
        desk.link.file(desk.present, desk.chosenClass).then(({ pictures }) => pictures[0] && save(`${stem}${own}`, pictures[0])).catch(refused);
      }, { name: "save-file" }),
      canvas.hidden || own === ".png" ? null :
        button("The picture, PNG", () => canvas.toBlob((blob) => blob && save(`${stem}.png`, blob)), { name: "save-png" })),
    plain ? el("p", {}, "The same on the command line:") :
      el("p", { class: "quiet" }, "It was led away from a seed, or is between several classes: no command names it, but its latent does, in Python."),
    plain ? codeBlock(sampleCommand(path, { seeds: String(seed), said, truncation }), "Copy the command", "command") : null,
    plain ? codeBlock(python(path, seed, said, truncation), "Copy the Python", "python") : null));
}

/** `--class 4` or `--text …`; null for nothing, undefined where no option says it. */
function option(desk: Desk, said: Said): [string, string] | null | undefined {
  if (said === null) return null;
  const words = asWords(desk.opened, said);
  if (words === null) return undefined;
  const kind = desk.opened.condition?.kind ?? "class";
  return [kind === "class" ? "--class" : kind === "text" ? "--text" : "--where", words];
}

function python(path: string, seed: number, said: readonly [string, string] | null, truncation: number): string {
  const asked = said ? `condition = sampler.asks.said(${JSON.stringify(said[1])})\n` : "";
  const more = `${said ? ", condition=condition" : ""}${truncation < 1 ? `, truncation=${truncation}` : ""}`;
  return `import ganforge\n\nsampler = ganforge.load(${JSON.stringify(path)})\n${asked}` +
    `sample = sampler.sample(1, seed=${seed}${more})[0]\ncodec = sampler.space.codec\n` +
    `open("sample" + codec.suffix, "wb").write(codec.file(sample.numpy()))\n`;
}
