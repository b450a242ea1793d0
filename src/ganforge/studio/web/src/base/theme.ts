/** Light or dark: the system's wish, until the person switches; and the colours that canvases draw with. */

export type Theme = "light" | "dark";

export interface Colours {
  paper: string;
  card: string;
  ink: string;
  quiet: string;
  rule: string;
  faint: string;
  edge: string;
  real: string;
  generated: string;
  discriminator: string;
  optimal: string;
  arrow: string;
  good: string;
  notice: string;
  warning: string;
  failure: string;
  /** Of weights and activations above 0 and below, as strings and as red, green, blue. */
  plus: string;
  minus: string;
  unitPlus: readonly [number, number, number];
  unitMinus: readonly [number, number, number];
  /** Heat of 'this is real' and 'this is generated', as red, green, blue 0…255. */
  heatReal: readonly [number, number, number];
  heatGenerated: readonly [number, number, number];
  heatNeutral: readonly [number, number, number];
}

const KEY = "ganforge-theme";
const watchers = new Set<() => void>();
const system = matchMedia("(prefers-color-scheme: dark)");

function chosen(): Theme | null {
  try {
    const kept = localStorage.getItem(KEY);
    return kept === "light" || kept === "dark" ? kept : null;
  } catch {
    return null; // storage may be refused; the system's wish remains
  }
}

export function theme(): Theme {
  return chosen() ?? (system.matches ? "dark" : "light");
}

export function switchTheme(): void {
  const next: Theme = theme() === "dark" ? "light" : "dark";
  try {
    localStorage.setItem(KEY, next);
  } catch {
    // it holds for this page only
  }
  document.documentElement.dataset["theme"] = next;
  changed();
}

export function startTheme(): void {
  document.documentElement.dataset["theme"] = theme();
  system.addEventListener("change", () => {
    document.documentElement.dataset["theme"] = theme();
    changed();
  });
}

/** Calls back whenever the theme changes; the answer stops that. */
export function onTheme(call: () => void): () => void {
  watchers.add(call);
  return () => watchers.delete(call);
}

let known: Colours | null = null;

function changed(): void {
  known = null;
  for (const call of watchers) call();
}

function rgb(hex: string): readonly [number, number, number] {
  const number = Number.parseInt(hex.slice(1), 16);
  return [(number >> 16) & 255, (number >> 8) & 255, number & 255];
}

/** The colours of the style sheet, read once for each theme. */
export function colours(): Colours {
  if (known) return known;
  const style = getComputedStyle(document.documentElement);
  const read = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  known = {
    paper: read("paper"),
    card: read("card"),
    ink: read("ink"),
    quiet: read("quiet"),
    rule: read("rule"),
    faint: read("faint"),
    edge: read("edge"),
    real: read("real"),
    generated: read("generated"),
    discriminator: read("discriminator"),
    optimal: read("optimal"),
    arrow: read("arrow"),
    good: read("good"),
    notice: read("notice"),
    warning: read("warning"),
    failure: read("failure"),
    plus: read("plus"),
    minus: read("minus"),
    unitPlus: rgb(read("plus")),
    unitMinus: rgb(read("minus")),
    heatReal: rgb(read("heat-real")),
    heatGenerated: rgb(read("heat-generated")),
    heatNeutral: rgb(read("heat-neutral")),
  };
  return known;
}
