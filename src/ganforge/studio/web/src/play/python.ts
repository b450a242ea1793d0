/** 'As Python': the script and the command that do the same as what is on the screen. */

import { post } from "../base/api";
import { el } from "../base/dom";
import { openDialog } from "../base/dialog";
import { codeBlock } from "../base/files";
import { refused } from "../base/notices";
import type { Script, Settings } from "../base/protocol";

/** `unlike`: what was done by hand that the script does not do. */
export async function showPython(settings: Settings, rounds: number, unlike: string | null): Promise<void> {
  try {
    const { python, command } = await post<Script>("/api/play/python", { ...settings, rounds });
    openDialog("The same, as Python", el("div", { class: "stack" },
      el("p", {}, unlike !== null
        ? `This script plays ${rounds.toLocaleString("en-GB")} rounds with the settings as they are now, from the first round on. ` +
          `The game on the screen went another way: ${unlike}.`
        : rounds > 0
        ? `This script plays the same game for as long as the screen has: ${rounds.toLocaleString("en-GB")} rounds, with the same seed.`
        : "This script plays the same game to the end of its budget, with the same seed."),
      codeBlock(python, "Copy the script", "python"),
      command ? el("p", {}, "On the command line:") : null,
      command ? codeBlock(command, "Copy the command", "command") : null));
  } catch (error) {
    refused(error);
  }
}
