/** A labelled slider with its value in words. Logarithmic ones move in equal factors. */

import { el, fresh, say } from "./dom";
import { short } from "./numbers";

export interface SliderOptions {
  label: string;
  /** More about it, said quietly. */
  hint?: string;
  low: number;
  high: number;
  step?: number;
  value: number;
  words?: (value: number) => string;
  name?: string;
  moved(value: number): void;
  /** When the hand lets go. */
  settled?(value: number): void;
}

export interface Slider {
  element: HTMLElement;
  input: HTMLInputElement;
  set(value: number): void;
}

export function slider(options: SliderOptions): Slider {
  const id = fresh("slider");
  const words = options.words ?? short;
  const shown = el("output", { for: id }, words(options.value));
  const input = el("input", {
    id, type: "range", min: options.low, max: options.high, step: options.step ?? "any",
    ...(options.name ? { name: options.name } : {}),
    oninput: () => {
      const value = Number(input.value);
      tell(value);
      options.moved(value);
    },
    onchange: () => options.settled?.(Number(input.value)),
  });
  const tell = (value: number): void => {
    say(shown, words(value));
    input.setAttribute("aria-valuetext", words(value));
  };
  input.value = String(options.value);
  tell(options.value);
  const element = el("div", { class: "field slider" },
    el("label", { for: id }, options.label, shown), input,
    options.hint ? el("p", { class: "small quiet" }, options.hint) : null);
  return {
    element,
    input,
    set(value) {
      input.value = String(value);
      tell(value);
    },
  };
}
