/** The studio's one page: three views, each with its address. */

import "./styles/base.css";
import "./styles/shell.css";
import "./styles/play.css";
import "./styles/drawn.css";
import "./styles/watch.css";
import "./styles/explore.css";
import { readAddress, type ViewName } from "./base/address";
import { get } from "./base/api";
import { fill, el } from "./base/dom";
import { clearNotice, refused } from "./base/notices";
import type { About } from "./base/protocol";
import { askForToken, buildShell, sayLimits } from "./base/shell";
import { startTheme } from "./base/theme";
import { playView, type View } from "./play/view";

async function start(): Promise<void> {
  startTheme();
  const root = document.getElementById("app");
  if (!root) return;
  const shell = buildShell(root);
  const about = await knock();
  let view: View | null = null;
  let turn = 0;

  const show = async (): Promise<void> => {
    const mine = ++turn;
    const { view: name, query, unknown } = readAddress(location.hash);
    clearNotice("refused");
    if (unknown !== null) refused(new Error(`There is no page ‘${unknown.slice(0, 60)}’ here; this is Play. The pages are play, watch and explore.`));
    view?.close();
    view = null;
    shell.show(name);
    sayLimits(about, name);
    fill(shell.main, el("p", { class: "quiet" }, "One moment …"));
    try {
      const made = await open(name, query);
      if (mine === turn) view = made;
      else made.close();
    } catch (error) {
      fill(shell.main);
      refused(error);
    }
  };
  const open = async (name: ViewName, query: URLSearchParams): Promise<View> => {
    if (name === "watch") return (await import("./watch/view")).watchView(shell.main, about, query);
    if (name === "explore") return (await import("./explore/view")).exploreView(shell.main, about, query);
    return playView(shell.main, about, query);
  };
  window.addEventListener("hashchange", () => void show());
  if (about.watch && !location.hash) history.replaceState(null, "", `#/watch?run=${encodeURIComponent(about.watch)}`);
  await show();
}

/** What the server says of itself; where it wants its token first, after that. */
async function knock(): Promise<About> {
  const about = await get<About>("/api/about");
  if (about.entered) return about;
  await askForToken();
  return get<About>("/api/about");
}

start().catch(refused);
