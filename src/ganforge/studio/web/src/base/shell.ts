/** What surrounds the views: the name, the three addresses, the theme, notices, and the limits in words. */

import type { ViewName } from "./address";
import { enter, onTokenNeeded } from "./api";
import { add, button, el, fill, fresh, icon, ICONS, say } from "./dom";
import { openDialog } from "./dialog";
import { clearNotice, noticePlace, wanted } from "./notices";
import { duration } from "./numbers";
import type { About } from "./protocol";
import { onTheme, switchTheme, theme } from "./theme";

const VIEWS: readonly [ViewName, string][] = [["play", "Play"], ["watch", "Watch"], ["explore", "Explore"]];

export interface Shell {
  main: HTMLElement;
  show(view: ViewName): void;
}

export function buildShell(root: HTMLElement): Shell {
  const links = new Map(VIEWS.map(([view, title]) => [view, el("a", { href: `#/${view}`, "data-view": view }, title)]));
  const toggle = button("", switchTheme, { class: "plain" });
  const paint = (): void => {
    const dark = theme() === "dark";
    fill(toggle, icon(dark ? ICONS.sun : ICONS.moon), dark ? "Light" : "Dark");
    toggle.setAttribute("aria-label", dark ? "Switch to the light theme" : "Switch to the dark theme");
  };
  paint();
  onTheme(paint);
  const main = el("main", { id: "main", tabindex: -1 });
  const skip = button("Skip to the content", () => main.focus(), { class: "skip" });
  fill(root, el("div", { class: "shell" },
    el("header", { class: "top" }, skip,
      el("h1", {}, el("i", { "aria-hidden": "true" }), "ganforge studio"),
      el("nav", { "aria-label": "Views" }, ...links.values()),
      el("div", { class: "grow" }, toggle)),
    noticePlace(), main, el("footer", { class: "foot", id: "foot" })));
  onTokenNeeded(askForToken);
  return {
    main,
    show(view) {
      for (const [name, link] of links) {
        if (name === view) link.setAttribute("aria-current", "page");
        else link.removeAttribute("aria-current");
      }
      document.title = `${VIEWS.find(([name]) => name === view)?.[1] ?? ""} · ganforge studio`;
    },
  };
}

/** The limits that the server holds to, said in one line on every page. */
export function sayLimits(about: About, view: ViewName): void {
  const foot = document.getElementById("foot");
  if (!foot) return;
  const { limits } = about;
  const megabytes = Math.round(limits.upload_bytes / 2 ** 20);
  const words: Record<ViewName, string> = {
    play: `Limits: ${limits.play_sessions} sessions of Play on this machine; networks up to ${limits.depth} layers of ` +
      `${limits.width}; batches up to ${limits.batch.toLocaleString("en-GB")}; files up to ${megabytes} MB; the last ` +
      `${limits.moments} moments are kept; a session left alone ends after ${duration(limits.idle_seconds)}.`,
    watch: `Everything shown is read from the run folders in ${about.roots.join(", ") || "no folder"}; ` +
      "a closed page costs a run nothing.",
    explore: `Limits: ${limits.explore_models} models open at a time on this machine; ${limits.pictures} pictures a sheet; ` +
      `a picture to translate up to ${megabytes} MB, its result up to ${Math.round(limits.translated_pixels / 1e6)} million pixels.`,
  };
  fill(foot);
  add(foot, words[view], ` ganforge ${about.ganforge}. Nothing leaves this machine.`);
}

let asking: Promise<void> | null = null;

/** Shows a field for the token; settles when the server has accepted one. All who ask at once share one dialog. */
export function askForToken(): Promise<void> {
  asking ??= new Promise<void>(showTokenField).finally(() => {
    asking = null;
    clearNotice("token");
  });
  return asking;
}

function showTokenField(entered: () => void): void {
  const id = fresh("token");
  const field = el("input", { id, type: "password", autocomplete: "off", required: true, autofocus: true });
  const said = el("p", { class: "small", role: "status" });
  let inside = false;
  const form = el("form", {
    class: "stack",
    onsubmit: (event) => {
      event.preventDefault();
      enter(field.value.trim()).then((ok) => {
        if (!ok) {
          say(said, "That is not the token. It is printed where `gan studio` was started.");
          return;
        }
        inside = true;
        dialog.close();
        entered();
      }).catch(() => say(said, "The studio does not answer. Is `gan studio` still running?"));
    },
  },
  el("p", {}, "This studio is reached from beyond its own machine, so it wants the token that ",
    el("code", {}, "gan studio"), " printed."),
  el("div", { class: "field" }, el("label", { for: id }, "Token"), field),
  said, el("div", {}, el("button", { class: "primary" }, "Enter")));
  const dialog = openDialog("Who is there?", form, () => {
    if (inside) return;
    wanted("token", "This studio wants its token before it shows anything.", "Enter the token", () => {
      clearNotice("token");
      showTokenField(entered);
    });
  });
}
