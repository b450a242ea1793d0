/** A modal dialog with a title and a way out. */

import { button, el, fresh } from "./dom";

export function openDialog(title: string, body: Node, closed: () => void = () => undefined): HTMLDialogElement {
  const id = fresh("dialog");
  const dialog = el("dialog", { "aria-labelledby": id });
  dialog.append(
    el("header", {}, el("h2", { id }, title), button("Close", () => dialog.close(), { class: "plain" })),
    body,
  );
  dialog.addEventListener("close", () => {
    dialog.remove();
    closed();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
