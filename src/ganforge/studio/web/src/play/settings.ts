/** The settings panel: data, recipe, seed, and every key of the catalogue in its group. */

import { button, el, fill, fresh } from "../base/dom";
import { openDialog } from "../base/dialog";
import { post } from "../base/api";
import { refused, word } from "../base/notices";
import type { Catalogue, Changes, Limits, PlayData, Setting, Settings, Standing, Uploaded, Value } from "../base/protocol";
import { drawingBoard } from "./drawing";
import { type Field, field } from "./fields";
import { penaltyField } from "./penalties";

export interface SettingsWishes {
  /** New settings from the start: other data, recipe or seed. */
  begin(settings: Settings): void;
  /** A change of one key. */
  change(changes: Changes): void;
}

const GROUPS: readonly [Setting["group"], string, boolean][] = [
  ["game", "The game", true],
  ["noise", "Noise for the generator", false],
  ["generator", "Generator", false],
  ["discriminator", "Discriminator", false],
];

export class SettingsPanel {
  readonly element: HTMLElement;
  private readonly fields = new Map<string, Field>();
  private readonly dataChips = new Map<string, HTMLButtonElement>();
  private readonly recipe: HTMLSelectElement;
  private readonly recipeWords = el("p", { class: "small quiet words" });
  private readonly seed: HTMLInputElement;
  private readonly note = el("p", { class: "small quiet words" });
  private present: Settings;

  constructor(
    private readonly catalogue: Catalogue, private readonly limits: Limits, settings: Settings,
    private readonly wishes: SettingsWishes,
  ) {
    this.present = settings;
    const recipeId = fresh("recipe");
    this.recipe = el("select", { id: recipeId, name: "recipe", onchange: () => this.begin({
      recipe: this.recipe.value === "auto" ? null : this.recipe.value, changes: {},
    }) });
    const seedId = fresh("seed");
    this.seed = el("input", { id: seedId, name: "seed", type: "number", min: 0, max: 2147483647, step: 1,
      onchange: () => {
        const value = Math.round(Number(this.seed.value));
        if (Number.isFinite(value) && value >= 0) this.begin({ seed: Math.min(value, 2147483647) });
      } });
    this.element = el("div", { class: "settings stack wide" },
      el("section", { class: "stack" }, el("h3", {}, "Data"), this.dataPart(), this.note),
      el("section", { class: "stack" },
        el("div", { class: "field" }, el("label", { for: recipeId }, "recipe"), this.recipe, this.recipeWords),
        el("div", { class: "field number short" }, el("label", { for: seedId }, "seed"), this.seed,
          button("another seed", () => this.begin({ seed: (this.present.seed + 1) % 2147483647 }), { class: "plain" }))),
      ...GROUPS.map(([group, title, open]) => this.group(group, title, open)),
      el("p", { class: "small quiet" }, "↺ marks what cannot change in the middle of a game: it starts anew."),
    );
    this.show(settings);
  }

  /** Follows what the session really has. */
  update(standing: Standing): void {
    this.show(standing.settings);
    for (const [key, one] of this.fields) one.show(read(standing.recipe, key));
  }

  private show(settings: Settings): void {
    this.present = settings;
    const { data } = settings;
    for (const [name, chip] of this.dataChips) {
      chip.setAttribute("aria-pressed", String(data.kind === "builtin" ? data.name === name : data.kind === name));
    }
    this.note.textContent = data.kind === "uploaded" ? `Your file ${data.name}.` :
      data.kind === "drawn" ? `Your drawing, ${data.points.length} points.` : "";
    this.note.hidden = this.note.textContent === "";
    const kind = this.kind(data);
    const recipes = this.catalogue.recipes.filter((one) => kind === null || one.kinds.includes(kind));
    fill(this.recipe, el("option", { value: "auto" }, "the package’s own choice"),
      ...recipes.map((one) => el("option", { value: one.name }, one.name)));
    this.recipe.value = settings.recipe ?? "auto";
    this.recipeWords.textContent = recipes.find((one) => one.name === settings.recipe)?.words ??
      "What gan train would take for these data.";
    if (document.activeElement !== this.seed) this.seed.value = String(settings.seed);
  }

  private kind(data: PlayData): string | null {
    if (data.kind === "drawn") return "points";
    if (data.kind === "uploaded") return null;
    return this.catalogue.data.find((one) => one.name === data.name)?.kind ?? null;
  }

  private begin(part: Partial<Settings>): void {
    this.wishes.begin({ ...this.present, ...part });
  }

  private beginWith(data: PlayData, kind: string): void {
    const fits = this.catalogue.recipes.some((one) => one.name === this.present.recipe && one.kinds.includes(kind));
    const recipe = fits ? this.present.recipe : kind === "points" ? "textbook" : null;
    this.begin({ data, recipe, ...(fits ? {} : { changes: {} }) });
  }

  private dataPart(): HTMLElement {
    const chips = this.catalogue.data.map((one) => {
      const chip = button(one.title, () => this.beginWith({ kind: "builtin", name: one.name }, one.kind),
        { class: "chip", "data-data": one.name });
      this.dataChips.set(one.name, chip);
      return chip;
    });
    const draw = button("Draw your own …", () => this.openBoard(), { class: "chip", "data-data": "drawn" });
    this.dataChips.set("drawn", draw);
    const file = el("input", { type: "file", class: "unseen", tabindex: -1, "aria-label": "Your own file",
      accept: ".csv,.tsv,.txt,.npy,.zip", name: "upload",
      onchange: () => void this.upload(file) });
    const own = button("Your own file …", () => file.click(), { class: "chip", "data-data": "uploaded" });
    this.dataChips.set("uploaded", own);
    return el("div", { class: "chips", role: "group", "aria-label": "Data to learn" }, ...chips, draw, own, file);
  }

  private openBoard(): void {
    const points = this.present.data.kind === "drawn" ? this.present.data.points : [];
    const dialog = openDialog("Draw what the generator should learn", drawingBoard({
      points, most: this.limits.points,
      done: (drawn) => {
        dialog.close();
        this.beginWith({ kind: "drawn", points: drawn }, "points");
      },
    }));
  }

  private async upload(input: HTMLInputElement): Promise<void> {
    const file = input.files?.[0];
    input.value = "";
    if (!file) return;
    if (file.size > this.limits.upload_bytes) {
      refused(new Error(`${file.name} is ${(file.size / 2 ** 20).toFixed(1)} MB; the limit is ` +
        `${Math.round(this.limits.upload_bytes / 2 ** 20)} MB. Train on large data with: gan train`));
      return;
    }
    try {
      const answer = await post<Uploaded>(`/api/play/data?name=${encodeURIComponent(file.name)}`, file);
      word([`${file.name}: ${answer.n} examples, ${answer.space}.`, ...answer.notes].join(" "));
      this.beginWith(answer.data, answer.kind);
    } catch (error) {
      refused(error);
    }
  }

  private group(group: Setting["group"], title: string, open: boolean): HTMLElement {
    const settings = this.catalogue.settings.filter((setting) => setting.group === group);
    const controls = settings.flatMap((setting) => {
      const name = (setting.title ?? setting.key).replace(/^(generator|discriminator): /, "");
      const changed = (value: Value): void => this.wishes.change({ [setting.key]: value });
      const made = setting.type === "list" ? penaltyField(this.catalogue.penalties, changed) :
        field(setting, name, changed);
      if (!made) return [];
      this.fields.set(setting.key, made);
      return [made.element];
    });
    return el("details", { class: "group", open, "data-group": group },
      el("summary", {}, title), el("div", { class: "stack" }, ...controls));
  }
}

/** The small game for points; for whatever else the package's own choice, null. */
export function usualRecipe(catalogue: Catalogue, data: PlayData): string | null {
  if (data.kind === "drawn") return "textbook";
  const kind = data.kind === "builtin" ? catalogue.data.find((one) => one.name === data.name)?.kind : undefined;
  return kind === "points" ? "textbook" : null;
}

/** A dotted key of the whole recipe; a player's own options lie one level deeper. */
export function read(recipe: Changes, key: string): Value | undefined {
  const path = key.split(".");
  let here: Value | undefined = recipe;
  for (const [depth, step] of path.entries()) {
    if (here === null || typeof here !== "object" || Array.isArray(here)) return undefined;
    const inside: Value | undefined = here[step];
    const options: Value | undefined = here["options"];
    if (inside === undefined && depth === path.length - 1 && options && typeof options === "object" && !Array.isArray(options)) {
      return options[step];
    }
    here = inside;
  }
  return here;
}
