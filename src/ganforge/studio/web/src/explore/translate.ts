/** Translation: drop a picture, and see beside it what the network makes of it. */

import { post } from "../base/api";
import { button, el, fill, fresh, say } from "../base/dom";
import { refused } from "../base/notices";
import { short } from "../base/numbers";
import type { About, Opened, Value } from "../base/protocol";
import { conditionField, firstCondition, type Said } from "./condition";
import { dropZone } from "./drop";
import type { ModelLink } from "./model";
import { type Painter, painter } from "./paint";
import { isDrawn, paletteOf } from "./palette";
import { picture, showPicture } from "./show";

interface Done {
  source: string;
  made: string;
  /** What should have come out, where that is known. */
  truth?: string | null;
  from: [number, number];
  to: [number, number];
  seconds: number;
  note: string;
}

/** A picture on the server, or the number of an input that the run keeps; with a name for a person. */
type Given = ({ picture: string } | { example: number }) & { name: string };

export function translationTool(link: ModelLink, opened: Opened, about: About): HTMLElement {
  const told = opened.translation;
  const why = opened.can["translate"] ?? null;  // why pictures cannot be dropped; inputs of the run can be translated still
  if (!told) return el("div", {});
  let given: Given | null = null;
  let condition: Said = firstCondition(opened);
  let running: string | null = null;
  let newest = 0;
  const said = el("p", { class: "small quiet", role: "status" });
  const places = el("div", { class: "slots pair" });

  const [there, wayBack] = (["there", "back"] as const).map((way) =>
    el("input", { type: "radio", name: "way", value: way, checked: way === "there", onchange: () => void translate() }));
  const clean = el("input", { id: fresh("clean"), type: "checkbox", name: "degrade", onchange: () => void translate() });

  const take = (file: File): void => {
    if (file.size > about.limits.upload_bytes) {
      return refused(new Error(`That file is larger than ${Math.round(about.limits.upload_bytes / 2 ** 20)} MB; make it smaller first.`));
    }
    say(said, "Sending …");
    void post<{ picture: string }>("/api/explore/picture", file).then(({ picture }) => {
      given = { picture, name: file.name };
      return translate();
    }).catch(failed);
  };
  const examples = el("div", { class: "made-sheet examples", "data-sheet": "inputs" });
  const kept = el("p", { class: "small quiet" });
  const painting = el("div", {});
  let brush: Painter | null = null;
  void link.examples(12).then(async ({ header, pictures }) => {
    say(kept, `${String(header["words"])}.`);
    fill(examples, ...pictures.map((blob, i) => {
      const canvas = picture(`translate input ${i + 1}`);
      void showPicture(canvas, blob);
      return el("button", { type: "button", class: "made", "data-example": i, onclick: () => {
        given = { example: i, name: `input ${i + 1}` };
        void brush?.load(blob);
        void translate();
      } }, canvas);
    }));
    if (!why) await offerPainting(pictures);
    if (given === null) examples.querySelector("button")?.click();
  }).catch((error: unknown) => say(kept, error instanceof Error ? error.message : ""));
  async function offerPainting(pictures: readonly Blob[]): Promise<void> {
    const read = await Promise.all(pictures.map(pixelsOf));
    const palette = paletteOf(read.map((one) => one.data));
    const [first] = read;
    if (!first || !isDrawn(palette)) return;
    brush = painter(palette, first.width, first.height, take);
    fill(painting, el("h3", {}, "Paint an input"),
      el("p", { class: "small quiet" }, "In the colours of the run’s inputs, from the one that was chosen last; each stroke is translated."), brush.element);
  }
  const failed = (error: unknown): void => {
    say(said, "");
    refused(error);
  };

  const controls = (): NodeListOf<HTMLInputElement> => element.querySelectorAll("button:not([name=cancel]), input, select");
  let focused: Element | null = null;
  /** Nothing is asked while something is under way; whoever uses the keyboard is where they were after it. */
  const busy = (now: boolean): void => {
    if (now) focused = element.contains(document.activeElement) ? document.activeElement : null;
    controls().forEach((one) => {
      one.disabled = now;
    });
    stop.hidden = !now;
    if (!now && focused instanceof HTMLElement && document.activeElement === document.body) focused.focus();
  };
  const stop = button("Cancel", () => {
    if (running) link.cancel(running);
  }, { name: "cancel", hidden: true });

  async function translate(): Promise<void> {
    if (!given) return;
    if (opened.conditions > 0 && condition === null) return say(said, "Say what it shall become.");
    const { name, ...what } = given;
    const own = (newest += 1);  // a picture that is dropped meanwhile is the one to be shown
    say(said, "Translating …");
    busy(true);
    try {
      const { message } = await link.task("translate", {
        ...what, back: wayBack?.checked ?? false, ...("picture" in what ? { degrade: clean.checked } : {}), class: condition,
      }, (task) => {
        running = task;
      });
      if (own === newest) show(message.result as unknown as Done & { [key: string]: Value }, name);
    } catch (error) {
      failed(error);
    } finally {
      if (own === newest) {
        running = null;
        busy(false);
      }
    }
  }

  const show = (done: Done, name: string): void => {
    const address = (id: string): string => `/api/explore/picture?id=${encodeURIComponent(id)}`;
    const back = wayBack?.checked ?? false;
    const stem = name.replace(/\.[^.]*$/, "") || "picture";
    const save = el("a", { class: "button", href: address(done.made), name: "save", "data-save": true,
      download: `${stem}-${back ? "back" : "translated"}.png` }, "Save the result");
    const again = told.goes_back ? button("Lead the result back", () => void lead(done.made, stem), { name: "lead-back" }) : null;
    fill(places,
      place("input", address(done.source), `The input: ${name}`, done.from),
      place("result", address(done.made), `The result, made from ${name}`, done.to, save, again),
      done.truth ? place("what it should be", address(done.truth), `What ${name} belongs to`, done.to) : null);
    say(said, `Took ${short(done.seconds)} s. ${done.note ?? ""}`);
  };
  /** The result as the input of the other way: what a round trip keeps, and what it loses. */
  const lead = async (made: string, stem: string): Promise<void> => {
    try {
      const blob = await (await fetch(`/api/explore/picture?id=${encodeURIComponent(made)}`)).blob();
      const other = wayBack?.checked ? there : wayBack;
      if (other) other.checked = true;
      take(new File([blob], `${stem}.png`, { type: "image/png" }));
    } catch (error) {
      failed(error);
    }
  };

  link.on("task", (task) => {
    if (task.task === running && task.state === "running") say(said, `${task.words} …`);
  });
  const way = told.goes_back ? el("fieldset", { class: "row ways" }, el("legend", {}, "Which way"),
    el("label", {}, there, told.from === told.to ? "there, as trained" : `there, as trained: ${told.from} to ${told.to}`),
    el("label", {}, wayBack, told.from === told.to ? "back" : `back: ${told.to} to ${told.from}`)) : null;
  const degrade = told.makes_inputs ? el("div", { class: "row" }, clean, el("label", { for: clean.id },
    `The picture is clean: make the input from it first, as in training (${told.makes_inputs})`)) : null;
  const element = el("div", { class: "stack translation" },
    kept, examples,
    way,
    opened.conditions > 0 ? conditionField(opened, (what) => {
      condition = what;
      void translate();
    }).element : null,
    why ? el("p", { class: "quiet" }, why) : null,
    why ? null : degrade,
    why ? null : dropZone("Drop a picture of your own here, of any size", "translate-file", take),
    el("div", { class: "row" }, said, stop),
    el("div", { class: "translated-bench" }, painting, places));
  return element;
}

function place(title: string, address: string, words: string, [width, height]: [number, number], ...more: (HTMLElement | null)[]): HTMLElement {
  const shown = el("img", { src: address, alt: words, class: Math.max(width, height) <= 128 ? "translated sharp" : "translated",
    "data-place": title });
  return el("div", { class: "slot result" }, el("span", { class: "title" }, `${title}, ${width}×${height}`), shown,
    el("div", { class: "row" }, ...more));
}

async function pixelsOf(blob: Blob): Promise<ImageData> {
  const bitmap = await createImageBitmap(blob);
  const canvas = el("canvas", { width: bitmap.width, height: bitmap.height });
  const pen = canvas.getContext("2d");
  pen?.drawImage(bitmap, 0, 0);
  bitmap.close();
  return pen?.getImageData(0, 0, canvas.width, canvas.height) ?? new ImageData(1, 1);
}
