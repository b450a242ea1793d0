/** A place to drop a picture file on, with a button that opens the file chooser. */

import { button, el } from "../base/dom";

export function dropZone(words: string, name: string, took: (file: File) => void): HTMLElement {
  const file = el("input", { type: "file", accept: "image/*", class: "unseen", tabindex: -1,
    "aria-label": words, name, onchange: () => {
      const chosen = file.files?.[0];
      if (chosen) took(chosen);
      file.value = "";
    } });
  const zone = el("div", { class: "drop-zone row" }, el("span", { class: "quiet" }, words),
    button("Choose a file …", () => file.click()), file);
  zone.addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.classList.add("over-it");
  });
  zone.addEventListener("dragleave", () => zone.classList.remove("over-it"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over-it");
    const dropped = event.dataTransfer?.files[0];
    if (dropped) took(dropped);
  });
  return zone;
}
