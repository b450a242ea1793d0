/** Files that a page gives, and texts that go to the clipboard. */

import { button, el, say } from "./dom";

export function save(name: string, blob: Blob): void {
  const address = URL.createObjectURL(blob);
  el("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** A block of code with a button that copies it. */
export function codeBlock(text: string, title: string, name: string): HTMLElement {
  const said = el("span", { class: "small quiet", role: "status" });
  const code = el("pre", { tabindex: 0, "aria-label": name, "data-script": name }, text);
  return el("div", { class: "stack" }, code, el("div", { class: "row" }, button(title, () => {
    void copy(text, code).then((ok) => say(said, ok ? "Copied." : "Selected; press Ctrl-C."));
  }), said));
}

async function copy(text: string, code: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    getSelection()?.selectAllChildren(code); // the clipboard is closed to plain http addresses
    return false;
  }
}
