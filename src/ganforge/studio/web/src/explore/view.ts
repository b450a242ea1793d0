/** The view Explore: a model, the easel, the tools and the pins. */

import { get } from "../base/api";
import { replaceAddress } from "../base/address";
import { el, fill, fresh } from "../base/dom";
import { clearNotice, lost, refused } from "../base/notices";
import type { About, Model, Opened } from "../base/protocol";
import { buildTabs } from "../base/tabs";
import type { View } from "../play/view";
import { Desk } from "./desk";
import { Easel } from "./easel";
import { inversionTool } from "./invert";
import { ModelLink } from "./model";
import { feedbackTool } from "./opinion";
import { arithmeticTool, interpolationTool, mixingTool, pinTray, seedsTool } from "./sheets";
import { translationTool } from "./translate";

export async function exploreView(main: HTMLElement, about: About, query: URLSearchParams): Promise<View> {
  const { models } = await get<{ models: Model[] }>("/api/explore/models");
  return new ExploreView(main, about, models, query.get("model"), query.get("moment"));
}

const MOMENTS: readonly [string, string][] = [
  ["chosen", "newest, or best if clearly better"], ["newest", "newest"], ["best", "best by its score"]];

class ExploreView implements View {
  private readonly body = el("div", {});
  private link: ModelLink | null = null;
  private shown: string | null = null;
  private moment = "chosen";

  constructor(main: HTMLElement, private readonly about: About, models: Model[], wanted: string | null, moment: string | null) {
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
  }

  private open(model: string): void {
    this.link?.close();
    this.shown = null;
    const { moment } = this;
    replaceAddress("explore", new URLSearchParams(moment === "chosen" ? { model } : { model, moment }));
    fill(this.body, el("p", { class: "quiet" }, "Opening …"));
    const link = new ModelLink(model, moment);
    this.link = link;
    link.on("opened", (opened) => this.show(link, opened));
    link.on("refused", (error) => {
      refused(error);
      if (this.shown === null) fill(this.body);
    });
    link.on("link", (state) => {
      if (state === "lost") lost("explore", "The connection to the studio is lost, or it is full; trying again.");
      if (state === "open") clearNotice("explore");
    });
  }

  private showTranslation(link: ModelLink, opened: Opened): void {
    fill(this.body, el("div", { class: "stack wide" }, el("h2", {}, opened.name),
      el("p", { class: "small quiet" }, opened.words), translationTool(link, opened, this.about)));
  }

  /** After a lost connection the same model is open again: what is on the screen stays. */
  private show(link: ModelLink, opened: Opened): void {
    if (this.shown === opened.model) return;
    this.shown = opened.model;
    if (opened.translation) return this.showTranslation(link, opened);
    const desk = new Desk(link, opened);
    const tools = {
      seeds: seedsTool(desk), between: interpolationTool(desk), sum: arithmeticTool(desk), invert: inversionTool(desk),
      feedback: feedbackTool(desk), mix: mixingTool(desk),
    };
    const easel = new Easel(desk, () => {
      for (const tool of Object.values(tools)) tool.redraw();
    });
    const tabs = buildTabs("Tools", [
      { name: "seeds", title: "Seeds", panel: tools.seeds.element },
      { name: "between", title: "Interpolation", panel: tools.between.element },
      { name: "sum", title: "Arithmetic", panel: tools.sum.element },
      { name: "invert", title: "Inversion", panel: tools.invert.element },
      { name: "feedback", title: "Feedback", panel: tools.feedback.element },
      { name: "mix", title: "Style mixing", panel: tools.mix.element },
      { name: "translate", title: "Translation", panel: translationTool(link, opened, this.about) },
    ]);
    fill(this.body, el("div", { class: "bench" },
      el("div", { class: "stack" }, el("h2", {}, opened.name), el("p", { class: "small quiet" },
        `${opened.words}; ${opened.latent} latent numbers`), easel.element),
      el("div", { class: "stack wide tools" }, tabs.element, pinTray(desk))));
  }
}
