/** One control for each kind of setting: choice, number on a linear or logarithmic scale, truth. */

import { el, fresh } from "../base/dom";
import { clamp } from "../base/numbers";
import type { Setting, Value } from "../base/protocol";

export interface Field {
  element: HTMLElement;
  show(value: Value | undefined): void;
}

type Changed = (value: Value) => void;

const STEPS = 200;

export function field(setting: Setting, title: string, changed: Changed): Field | null {
  switch (setting.type) {
    case "choice":
      return choice(setting, title, changed);
    case "truth":
      return truth(setting, title, changed);
    case "list":
      return null;
    default:
      return number(setting, title, changed);
  }
}

function hint(setting: Setting): HTMLElement | null {
  return setting.reset ? el("span", { class: "anew", title: "a change starts the game anew" }, "↺",
    el("span", { class: "unseen" }, " (a change starts the game anew)")) : null;
}

function choice(setting: Setting & { type: "choice" }, title: string, changed: Changed): Field {
  const id = fresh("setting");
  const words = el("p", { class: "small quiet words" });
  const select = el("select", { id, name: setting.key, onchange: () => {
    const chosen = setting.choices[select.selectedIndex];
    if (chosen) changed(chosen.value);
    tell();
  } }, ...setting.choices.map((one) => el("option", { value: String(one.value) }, plain(String(one.value)))));
  const tell = (): void => {
    words.textContent = setting.choices[select.selectedIndex]?.words ?? "";
    words.hidden = words.textContent === "";
  };
  select.selectedIndex = -1;  // nothing is known before a game stands
  return {
    element: el("div", { class: "field" }, el("label", { for: id }, title, hint(setting)), select, words),
    show(value) {
      select.selectedIndex = setting.choices.findIndex((one) => one.value === value);
      tell();
    },
  };
}

function truth(setting: Setting & { type: "truth" }, title: string, changed: Changed): Field {
  const id = fresh("setting");
  const box = el("input", { id, type: "checkbox", name: setting.key, onchange: () => changed(box.checked) });
  return {
    element: el("div", { class: "field check" }, box, el("label", { for: id }, title, hint(setting))),
    show(value) {
      box.checked = value === true;
    },
  };
}

function number(setting: Setting & { type: "number" | "whole" }, title: string, changed: Changed): Field {
  const id = fresh("setting");
  const { low, high } = setting;
  const log = setting.scale === "log" && low > 0;
  // Where there are few whole numbers, one press of an arrow key is one of them.
  const steps = setting.type === "whole" && !log ? Math.min(STEPS, high - low) : STEPS;
  const tidy = (value: number): number => {
    const inside = clamp(value, low, high);
    return setting.type === "whole" ? Math.round(inside) : Number(inside.toPrecision(2));
  };
  const toShare = (value: number): number =>
    steps * (log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low));
  const fromShare = (share: number): number =>
    log ? low * (high / low) ** (share / steps) : low + ((high - low) * share) / steps;
  const box = el("input", {
    id, type: "number", name: setting.key, min: low, max: high, step: setting.type === "whole" ? 1 : "any",
    placeholder: setting.optional ? "none" : "usual",  // what the recipe leaves to the network
    onchange: () => {
      if (box.value.trim() === "") {
        if (setting.optional) changed(null);
        return;
      }
      const value = clamp(Number(box.value), low, high);
      if (!Number.isFinite(value)) return;
      put(value);
      changed(setting.type === "whole" ? Math.round(value) : value);
    },
  });
  const range = el("input", {
    type: "range", min: 0, max: steps, step: 1, "aria-label": `${title}, as a slider`,
    oninput: () => {
      box.value = String(tidy(fromShare(Number(range.value))));
      range.setAttribute("aria-valuetext", box.value);
    },
    onchange: () => changed(tidy(fromShare(Number(range.value)))),
  });
  const put = (value: number): void => {
    box.value = String(value);
    range.value = String(toShare(clamp(value, low, high)));
    range.setAttribute("aria-valuetext", box.value);
  };
  return {
    element: el("div", { class: "field number" },
      el("label", { for: id }, title, hint(setting)), box, range),
    show(value) {
      if (document.activeElement === box) return;
      if (typeof value === "number") put(value);
      else {
        box.value = "";
        range.value = "0";
        range.setAttribute("aria-valuetext", box.placeholder);
      }
    },
  };
}

/** `non_saturating` as people write it. */
export function plain(name: string): string {
  return name.replaceAll("_", " ").replaceAll("-", " ");
}
