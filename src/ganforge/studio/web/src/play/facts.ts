/** The numbers of the moment, each with its words. */

import { el, fill, say } from "../base/dom";
import { short } from "../base/numbers";
import type { FrameHeader, SceneHeader } from "../base/protocol";

interface Fact {
  key: string;
  title: string;
  words: (header: FrameHeader, scene: SceneHeader | null) => string | null;
  /** Said more quietly after it. */
  beside?: (scene: SceneHeader | null) => string;
}

const percent = (value: number | null | undefined): string | null =>
  value === null || value === undefined ? null : `${Math.round(value * 100)} %`;

const FACTS: readonly Fact[] = [
  { key: "round", title: "round", words: ({ round }) => round.toLocaleString("en-GB") },
  { key: "rate", title: "rounds a second", words: ({ rounds_a_second }) => short(rounds_a_second) },
  { key: "value", title: "value of the game", words: ({ numbers }) =>
    numbers["value"] === null || numbers["value"] === undefined ? null : short(numbers["value"]),
  beside: (scene) => `goal ${short(scene?.goal.value ?? -Math.log(4))}` },
  { key: "accuracy_real", title: "reals called real", words: ({ numbers }) => percent(numbers["accuracy_real"]) },
  { key: "accuracy_fake", title: "fakes called generated", words: ({ numbers }) => percent(numbers["accuracy_fake"]) },
  { key: "pairs_right", title: "pairs told apart", words: ({ numbers }) => percent(numbers["pairs_right"]) },
  { key: "modes_covered", title: "modes covered", words: ({ numbers }, scene) => {
    const covered = numbers["modes_covered"];
    return covered === null || covered === undefined || (scene?.modes ?? 2) < 2 ? null : String(covered);
  }, beside: (scene) => (scene?.modes ? `of ${scene.modes}` : "") },
  { key: "good_share", title: "good samples", words: ({ numbers }) => percent(numbers["good_share"]) },
  { key: "js", title: "Jensen–Shannon", words: ({ numbers }) =>
    numbers["js"] === null || numbers["js"] === undefined ? null : `${short(numbers["js"])} bits` },
  { key: "distance_to_best", title: "distance of D to D*", words: ({ numbers }) =>
    numbers["distance_to_best"] === null || numbers["distance_to_best"] === undefined ? null :
      short(numbers["distance_to_best"]) },
];

export class Facts {
  readonly element = el("dl", { class: "facts" });
  private readonly cells = new Map<string, HTMLElement>();
  private shown = "";

  show(header: FrameHeader | null, scene: SceneHeader | null): void {
    const present = FACTS.map((fact) => ({ fact, words: header ? fact.words(header, scene) : null }))
      .filter((one) => one.words !== null);
    const key = [scene?.modes, ...present.map((one) => one.fact.key)].join();
    if (key !== this.shown) {
      this.shown = key;
      this.cells.clear();
      fill(this.element, ...present.map(({ fact }) => {
        const value = el("span", { "data-fact": fact.key });
        this.cells.set(fact.key, value);
        return el("div", {}, el("dt", {}, fact.title), el("dd", {}, value,
          fact.beside ? el("span", { class: "small quiet beside" }, ` ${fact.beside(scene)}`) : null));
      }));
    }
    for (const { fact, words } of present) {
      const cell = this.cells.get(fact.key);
      if (cell) say(cell, words ?? "–");
    }
  }
}
