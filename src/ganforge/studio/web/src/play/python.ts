/** 'As Python': the script and the command that do the same as what is on the screen. */

import { post } from "../base/api";
import { button, el, say } from "../base/dom";
import { openDialog } from "../base/dialog";
import { refused } from "../base/notices";
import type { Script, Settings } from "../base/protocol";

export async function showPython(settings: Settings, rounds: number): Promise<void> {
  try {
    const { python, command } = await post<Script>("/api/play/python", { ...settings, rounds });
    openDialog("The same, as Python", el("div", { class: "stack" },
      el("p", {}, rounds > 0
        ? `This script plays the same game for as long as the screen has: ${rounds.toLocaleString("en-GB")} rounds, with the same seed.`
        : "This script plays the same game to the end of its budget, with the same seed."),
      block(python, "Copy the script", "python"),
      command ? el("p", {}, "On the command line:") : null,
      command ? block(command, "Copy the command", "command") : null));
  } catch (error) {
    refused(error);
  }
}

function block(text: string, title: string, name: string): HTMLElement {
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
