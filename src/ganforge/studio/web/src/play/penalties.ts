/** The list of penalties on the discriminator: each with its weight, to add and to take away. */

import { button, el, fill, fresh } from "../base/dom";
import type { Catalogue, Penalty, Value } from "../base/protocol";
import type { Field } from "./fields";

export function penaltyField(known: Catalogue["penalties"], changed: (value: Value) => void): Field {
  let present: Penalty[] = [];
  const rows = el("div", { class: "stack" });
  const id = fresh("penalty");
  const select = el("select", { id, name: "add-penalty", onchange: () => {
    const chosen = known.find((one) => one.name === select.value);
    select.value = "";
    if (!chosen || present.some((one) => one.name === chosen.name)) return;
    present = [...present, { name: chosen.name, ...chosen.defaults }];
    tell();
  } });
  const tell = (): void => {
    draw();
    changed(present);
  };
  const draw = (): void => {
    fill(select, el("option", { value: "" }, present.length ? "another penalty …" : "none; add one …"),
      ...known.filter((one) => !present.some((other) => other.name === one.name))
        .map((one) => el("option", { value: one.name }, `${one.name}: ${one.words}`)));
    fill(rows, ...present.map(row));
  };
  const row = (penalty: Penalty): HTMLElement => {
    const words = known.find((one) => one.name === penalty.name)?.words ?? "";
    const weight = fresh("weight");
    const box = el("input", {
      id: weight, type: "number", min: 0, step: "any", value: penalty.weight,
      onchange: () => {
        const value = Number(box.value);
        if (!Number.isFinite(value) || value < 0) return;
        present = present.map((one) => (one.name === penalty.name ? { ...one, weight: value } : one));
        tell();
      },
    });
    return el("div", { class: "penalty", "data-penalty": penalty.name },
      el("label", { for: weight, title: words }, `${penalty.name}, weight`), box,
      button("×", () => {
        present = present.filter((one) => one.name !== penalty.name);
        tell();
      }, { class: "plain", "aria-label": `take ${penalty.name} away` }));
  };
  draw();
  return {
    element: el("div", { class: "field" }, el("label", { for: id }, "penalties on the discriminator"), rows, select),
    show(value) {
      const next = Array.isArray(value) ? (value as Penalty[]) : [];
      if (JSON.stringify(next) === JSON.stringify(present)) return;
      present = next;
      draw();
    },
  };
}
