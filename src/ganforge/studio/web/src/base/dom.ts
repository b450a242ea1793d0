/** Small helpers to build and find elements; the whole of our 'framework'. */

export type Child = Node | string | number | null | undefined | false;

type Listener = (event: Event) => void;
export type Attributes = Record<string, string | number | boolean | null | undefined | Listener>;

/** An element: `on…` keys are listeners, `true` is an empty attribute, false and null leave it out. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, String(value));
  }
  add(node, ...children);
  return node;
}

export function add(node: Element, ...children: Child[]): void {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : String(child));
  }
}

export function fill(node: Element, ...children: Child[]): void {
  node.replaceChildren();
  add(node, ...children);
}

/** Sets text only where it differs, so that screen readers and the layout are left in peace. */
export function say(node: Element, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

export function button(label: string, press: () => void, attributes: Attributes = {}): HTMLButtonElement {
  return el("button", { type: "button", ...attributes, onclick: () => press() }, label);
}

let counter = 0;

/** A fresh id, to tie labels and descriptions to their controls. */
export function fresh(prefix: string): string {
  counter += 1;
  return `${prefix}-${counter}`;
}

export function icon(path: string): SVGSVGElement {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", "icon");
  const shape = document.createElementNS(space, "path");
  shape.setAttribute("d", path);
  svg.append(shape);
  return svg;
}

export const ICONS = {
  play: "M4 2.5v11l9-5.5z",
  pause: "M3.5 2.5h3v11h-3zM9.5 2.5h3v11h-3z",
  reset: "M8 3a5 5 0 1 1-4.6 3l1.4.6A3.5 3.5 0 1 0 8 4.5V7L4.5 3.8 8 .8z",
  sun: "M8 4.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7zM7.3 0h1.4v2.8H7.3zM7.3 13.2h1.4V16H7.3zM0 7.3h2.8v1.4H0zM13.2 7.3H16v1.4h-2.8z",
  moon: "M6 1.5a6.5 6.5 0 1 0 8.6 8.3A5.6 5.6 0 0 1 6 1.5z",
} as const;
