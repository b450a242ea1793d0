/** The view Explore: a model, the easel, the tools and the pins. */

import { get } from "../base/api";
import { replaceAddress } from "../base/address";
import { el, fill, fresh } from "../base/dom";
import { clearNotice, lost, refused } from "../base/notices";
import type { About, Model, Opened } from "../base/protocol";
import { buildTabs } from "../base/tabs";
import { onTheme } from "../base/theme";
import type { View } from "../play/view";
import { Desk } from "./desk";
import { Easel } from "./easel";
import { directionsTool } from "./directions";
import { dragTool } from "./drag";
import { inversionTool } from "./invert";
import { ModelLink } from "./model";
import { feedbackTool } from "./opinion";
import { arithmeticTool, classesTool, interpolationTool, mixingTool, pinTray, seedsTool, type Tool } from "./sheets";
import { examplesTool } from "./real";
import { type State, stateFromQuery, stateToQuery } from "./state";
import { tableTool } from "./table";
import { translationTool } from "./translate";

export async function exploreView(main: HTMLElement, about: About, query: URLSearchParams): Promise<View> {
  const { models } = await get<{ models: Model[] }>("/api/explore/models");
  return new ExploreView(main, about, models, query);
}

const MOMENTS: readonly [string, string][] = [
  ["chosen", "newest, or best if clearly better"], ["newest", "newest"], ["best", "best by its score"]];

/** Tools that show what is on the easel. */
const FOLLOWING = ["classes", "directions", "drag"];

class ExploreView implements View {
  private readonly body = el("div", {});
  private link: ModelLink | null = null;
  private shown: string | null = null;
  private moment = "chosen";
  /** What the address said when it was opened; another model begins anew. */
  private said: URLSearchParams | null;
  private stops: (() => void)[] = [];

  constructor(main: HTMLElement, private readonly about: About, private readonly models: Model[], query: URLSearchParams) {
    const [wanted, moment] = [query.get("model"), query.get("moment")];
    this.said = query;
    const id = fresh("model");
    if (moment !== null && MOMENTS.some(([name]) => name === moment)) this.moment = moment;
    else if (moment !== null) refused(new Error(`There is no moment ‘${moment.slice(0, 40)}’; there is chosen, newest, best.`));
    const momentId = fresh("moment");
    const when = el("select", { id: momentId, name: "moment", onchange: () => {
      this.moment = when.value;
      this.open(select.value);
    } }, ...MOMENTS.map(([name, words]) => el("option", { value: name }, words)));
    when.value = this.moment;
    const select = el("select", { id, name: "model", onchange: () => this.open(select.value) },
      ...models.map((one) => el("option", { value: one.model }, `${one.name}, ${one.words}`)));
    const known = models.some((one) => one.model === wanted);
    if (wanted && !known) select.append(el("option", { value: wanted }, wanted));
    fill(main, el("div", { class: "explore stack wide" },
      models.length === 0 && !wanted ? el("p", { class: "quiet" }, "There is nothing to explore yet. Train something first: ",
        el("code", {}, "gan train digits --minutes 1")) :
        el("div", { class: "row chooser" }, el("label", { for: id }, "Model"), select,
          el("label", { for: momentId }, "moment of a run"), when),
      this.body));
    const first = wanted ?? models[0]?.model;
    if (first) {
      select.value = first;
      this.open(first);
    }
  }

  close(): void {
    this.link?.close();
    for (const stop of this.stops) stop();
  }

  private open(model: string): void {
    this.link?.close();
    this.shown = null;
    const { moment } = this;
    const said = this.said;
    this.said = null;
    if (said === null || !said.has("model")) this.place(model, new URLSearchParams());
    fill(this.body, el("p", { class: "quiet" }, "Opening …"));
    const link = new ModelLink(model, moment);
    this.link = link;
    link.on("opened", (opened) => this.show(link, opened, said ?? new URLSearchParams()));
    link.on("refused", (error) => {
      refused(error);
      if (this.shown === null) fill(this.body);
    });
    link.on("link", (state) => {
      if (state === "lost") lost("explore", "The connection to the studio is lost, or it is full; trying again.");
      if (state === "open") clearNotice("explore");
    });
  }

  private place(model: string, state: URLSearchParams): void {
    const query = new URLSearchParams(this.moment === "chosen" ? { model } : { model, moment: this.moment });
    for (const [key, value] of state) query.append(key, value);
    replaceAddress("explore", query);
  }

  private showTable(link: ModelLink, opened: Opened, path: string): void {
    fill(this.body, el("div", { class: "stack wide" }, el("h2", {}, opened.name),
      el("p", { class: "small quiet" }, opened.words), tableTool(link, opened, path)));
  }

  private showTranslation(link: ModelLink, opened: Opened): void {
    fill(this.body, el("div", { class: "stack wide" }, el("h2", {}, opened.name),
      el("p", { class: "small quiet" }, opened.words), translationTool(link, opened, this.about)));
  }

  /** After a lost connection the same model is open again: what is on the screen stays. */
  private show(link: ModelLink, opened: Opened, query: URLSearchParams): void {
    if (this.shown === opened.model) return;
    this.shown = opened.model;
    for (const stop of this.stops) stop();
    this.stops = [];
    const path = this.models.find((one) => one.model === opened.model)?.path ?? opened.name;
    if (opened.translation) return this.showTranslation(link, opened);
    if (opened.view === "table") return this.showTable(link, opened, path);
    const desk = new Desk(link, opened, path, this.moment);
    const usual: State = desk.state("seeds");
    const wanted = stateFromQuery(query, usual);
    desk.restore(wanted);
    const all: [string, string, (desk: Desk) => Tool][] = [
      ["seeds", "Seeds", seedsTool], ["between", "Interpolation", interpolationTool], ["sum", "Arithmetic", arithmeticTool],
      ["classes", "Classes", classesTool], ["invert", "Inversion", inversionTool], ["feedback", "Feedback", feedbackTool],
      ["mix", "Style mixing", mixingTool], ["directions", "Directions", directionsTool], ["drag", "Drag", dragTool], ["real", "Real examples", examplesTool],
    ];
    // What cannot be done is not there: `can` has a reason for it, which the protocol tells programs.
    let open = "seeds";
    // The easel asks first: large samples take seconds each, and the tools make sheets of them.
    const easel = new Easel(desk, () => redraw());
    const tools = all.filter(([name]) => !opened.can[name] && (name !== "classes" || opened.classes.length > 1))
      .map(([name, title, build]) => ({ name, title, tool: build(desk) }));
    const redraw = (): void => {
      for (const { tool } of tools) tool.redraw();
    };
    const keep = (): void => {
      this.place(opened.model, stateToQuery(desk.state(open), usual));
      if (FOLLOWING.includes(open)) tools.find(({ name }) => name === open)?.tool.redraw();
    };
    const tabs = buildTabs("Tools", tools.map(({ name, title, tool }) => ({ name, title, panel: tool.element })), (name) => {
      open = name;
      tools.find((one) => one.name === name)?.tool.open?.();
      keep();
    });
    if (tools.some(({ name }) => name === wanted.tool)) tabs.select(wanted.tool);
    const draw = (): void => {
      easel.paint();
      redraw();
    };
    this.stops = [desk.on("present", keep), desk.on("pins", keep), link.on("cloud", draw), onTheme(draw)];
    if (["line", "plane", "numbers"].includes(opened.view)) void link.surround();
    fill(this.body, el("div", { class: "bench" },
      el("div", { class: "stack" }, el("h2", {}, opened.name), el("p", { class: "small quiet" },
        `${opened.words}; ${opened.latent} latent number${opened.latent === 1 ? "" : "s"}`), easel.element),
      el("div", { class: "stack wide tools" }, tabs.element, pinTray(desk))));
    desk.emit("pins", desk.pins);
  }
}
