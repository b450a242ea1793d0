/** The pictures of a run through time, with a slider; the newest is followed until one looks back. */

import { button, el, fresh, say } from "../base/dom";
import { short } from "../base/numbers";
import type { Sample } from "../base/protocol";

export class Film {
  readonly element: HTMLElement;
  private readonly image = el("img", { class: "film-picture", alt: "" });
  private readonly none = el("p", { class: "quiet film-none" }, "Reading the run …");
  private readonly input: HTMLInputElement;
  private readonly label = el("output", { class: "small quiet" });
  private readonly now: HTMLButtonElement;
  private samples: readonly Sample[] = [];
  private following = true;

  constructor(private readonly run: string, private readonly moved: (nimg: number, progress: number, byHand: boolean) => void) {
    const id = fresh("film");
    this.input = el("input", { id, type: "range", min: 0, max: 0, step: 1, value: 0, name: "film", disabled: true,
      oninput: () => {
        this.following = Number(this.input.value) === this.samples.length - 1;
        this.show(true);
      } });
    this.now = button("Newest", () => {
      this.following = true;
      this.latest();
    }, { class: "plain" });
    this.element = el("section", { class: "film" }, this.none, this.image,
      el("div", { class: "row" }, el("label", { for: id }, "Through time"), this.label, el("span", { class: "grow" }), this.now),
      this.input);
    this.image.hidden = this.now.hidden = true;
  }

  /** `read`: whether these are all that there are so far. */
  set(samples: readonly Sample[], read: boolean): void {
    if (read) say(this.none, "No pictures yet.");
    if (samples.length === this.samples.length && samples[0]?.file === this.samples[0]?.file) return;
    this.samples = samples;
    this.input.max = String(Math.max(0, samples.length - 1));
    this.input.disabled = samples.length < 2;
    if (this.following) this.latest();
  }

  /** To the picture nearest this share of the way, 0…1. */
  to(progress: number): void {
    const last = this.samples[this.samples.length - 1];
    if (!last) return;
    const wanted = progress * last.nimg;
    let best = 0;
    this.samples.forEach((sample, i) => {
      if (Math.abs(sample.nimg - wanted) < Math.abs((this.samples[best]?.nimg ?? 0) - wanted)) best = i;
    });
    this.following = best === this.samples.length - 1;
    this.input.value = String(best);
    this.show(false);
  }

  private latest(): void {
    this.input.value = String(Math.max(0, this.samples.length - 1));
    this.show(false);
  }

  private show(byHand: boolean): void {
    const sample = this.samples[Number(this.input.value)];
    this.none.hidden = sample !== undefined;
    this.image.hidden = sample === undefined;
    this.now.hidden = this.following;
    if (!sample) return;
    const address = `/api/watch/sample?run=${encodeURIComponent(this.run)}&file=${encodeURIComponent(sample.file)}`;
    if (this.image.getAttribute("src") !== address) this.image.src = address;
    const words = `${short(sample.nimg)} examples`;
    this.image.alt = `Samples after ${words}`;
    say(this.label, words);
    this.input.setAttribute("aria-valuetext", words);
    const last = this.samples[this.samples.length - 1]?.nimg ?? 1;
    this.moved(sample.nimg, last > 0 ? sample.nimg / last : 0, byHand);
  }
}
