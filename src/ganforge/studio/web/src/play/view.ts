/** The view Play: lessons, settings and failures at the side; one game, or two beside each other. */

import { get } from "../base/api";
import { replaceAddress, settingsFromQuery, settingsToQuery } from "../base/address";
import { button, el, fill } from "../base/dom";
import { refused } from "../base/notices";
import type { About, Catalogue, Settings } from "../base/protocol";
import { buildTabs } from "../base/tabs";
import { type Lesson, LESSONS } from "../lessons/index";
import { Arena } from "./arena";
import { buildControls, type Controls } from "./controls";
import { failuresPanel, type Showing } from "./failures";
import { findLeft, keepLeft } from "./left";
import { lessonsPanel } from "./lessons";
import { showPython } from "./python";
import { SettingsPanel, usualRecipe } from "./settings";

export interface View {
  close(): void;
}

const WELCOME = 20;  // rounds a second
const START: Settings = { data: { kind: "builtin", name: "ring" }, recipe: "textbook", changes: {}, seed: 0 };

/** What an address asks for; where that is nothing that can be read it is said, and null. */
function askedFor(catalogue: Catalogue, query: URLSearchParams): Settings | null {
  try {
    return settingsFromQuery(query, (data) => usualRecipe(catalogue, data));
  } catch (error) {
    refused(new Error(`${error instanceof Error ? error.message : String(error)} The usual game is open instead.`));
    return null;
  }
}

export async function playView(main: HTMLElement, about: About, query: URLSearchParams): Promise<View> {
  const catalogue = await get<Catalogue>("/api/play/catalogue");
  return new PlayView(main, about, catalogue, query);
}

class PlayView implements View {
  private readonly arenas: Arena[] = [];
  private readonly holder = el("div", { class: "arenas" });
  private readonly panel: SettingsPanel;
  private readonly controls: Controls;
  private readonly extras: Node[];
  private lesson: string | null = null;
  /** Whether the game is one that a person made, and not the first one or a lesson's. */
  private own: boolean;
  private open = true;
  /** What to do once the games that were just asked for stand. */
  private upcoming: { speed: number | null; until: number | null; slow: boolean } | null = null;

  constructor(main: HTMLElement, about: About, private readonly catalogue: Catalogue, query: URLSearchParams) {
    const asked = askedFor(catalogue, query);
    // A lesson that is named without a game is its own games; whatever was left here stays left.
    const lesson = asked ? undefined : LESSONS.find(({ name }) => name === query.get("lesson"));
    const [only, beside] = lesson?.games ?? [{ title: "The game", settings: START }];
    const settings = asked ?? only.settings;
    this.own = asked !== null && !query.get("lesson");
    this.panel = new SettingsPanel(catalogue, about.limits, settings, {
      begin: (next) => {
        this.own = true;
        this.begin({ title: "The game", settings: next }, null);
      },
      change: (changes) => {
        this.own = true;
        void this.first?.session.set(changes);
      },
    });
    const lessons = lessonsPanel((lesson) => this.runLesson(lesson), (lesson, byHand) => {
      this.lesson = lesson?.name ?? null;
      this.address();
      // What is read of is what is seen, at rest; a game of one's own stays until the lesson is run.
      if (lesson && byHand && !this.own) this.showLesson(lesson, false);
    });
    const tabs = buildTabs("What to do", [
      { name: "lessons", title: "Lessons", panel: lessons.element },
      { name: "settings", title: "Settings", panel: this.panel.element },
      { name: "failures", title: "What goes wrong", panel: failuresPanel(catalogue, (first, second, speed) => {
        this.own = true;
        this.upcoming = { speed, until: null, slow: false };
        this.begin(first, second);
      }) },
    ]);
    const side = el("aside", { class: "sidebar", "aria-label": "Lessons and settings" },
      el("h2", { class: "unseen" }, "Lessons and settings"), tabs.element);
    this.controls = buildControls(() => this.arenas.map((arena) => arena.session), [
      button("Lessons and settings", () => side.scrollIntoView(), { name: "to-lessons", class: "on-a-phone" }),
    ]);
    this.extras = [
      button("Full screen", () => void this.wide(), { name: "full-screen" }),
      button("Beside …", () => this.beside(), { name: "beside" }),
      button("As Python", () => void showPython(this.first?.session.settings ?? settings, this.first?.session.round ?? 0,
        this.first?.session.standing?.unlike_script ?? null), { name: "python" }),
    ];
    fill(main, el("div", { class: "play" }, side,
      el("div", { class: "field-of-play" }, this.controls.element, this.holder)));
    const left = lesson ? [] : findLeft(asked);
    // Whoever comes without a wish sees a game that moves, slowly; not who asked for less motion.
    if (!asked && left.length === 0 && !query.get("lesson") && !matchMedia("(prefers-reduced-motion: reduce)").matches) {
      this.upcoming = { speed: WELCOME, until: null, slow: false };
    }
    if (left.length > 0) for (const [i, one] of left.entries()) this.place(one, i > 0, one.session);
    else this.place({ title: only.title, settings }, false);
    if (beside) this.place(beside, true);
    if (lesson) this.controls.setUntil(lesson.rounds);
    const name = query.get("lesson");
    if (name) {
      if (!lessons.open(name)) refused(new Error(`There is no lesson ‘${name.slice(0, 60)}’; the list has all of them.`));
    } else if (asked) tabs.select("settings");
  }

  close(): void {
    this.open = false;
    for (const arena of this.arenas) arena.close(true);
  }

  /** The game alone on the whole screen, larger, for a class; Escape leaves it. */
  private async wide(): Promise<void> {
    const field = this.holder.parentElement;
    if (document.fullscreenElement) await document.exitFullscreen();
    else await field?.requestFullscreen().catch(refused);
  }

  /** For coming back, and for a reload: which sessions this window has. */
  private remember(): void {
    if (!this.open) return;
    keepLeft(this.arenas.flatMap((arena) => (arena.session.standing ?
      [{ title: arena.name, session: arena.session.standing.session, settings: arena.session.settings }] : [])));
  }

  private get first(): Arena | undefined {
    return this.arenas[0];
  }

  /** The first game with these settings, and a second one or none. */
  private begin(first: Showing, second: Showing | null): void {
    this.dropSecond();
    const arena = this.first;
    if (arena) {
      arena.rename(first.title);
      void arena.session.reset(first.settings).then(() => this.start());
    }
    if (second) this.place(second, true);
  }

  private beside(): void {
    this.dropSecond();
    const settings = this.first?.session.settings;
    if (settings) this.place({ title: "Another seed", settings: { ...settings, seed: settings.seed + 1 } }, true);
  }

  private dropSecond(): void {
    for (const arena of this.arenas.splice(1)) arena.close();
    if (this.holder.classList.contains("two")) this.first?.beside(null);
    this.holder.classList.remove("two");
    this.remember();
  }

  private place(showing: Showing, second: boolean, former: string | null = null): void {
    const arena: Arena = new Arena({
      title: showing.title, settings: showing.settings, catalogue: this.catalogue, former, extras: second ? [] : this.extras,
      scrubbed: (round) => {
        for (const one of this.arenas) if (one !== arena) one.goTo(round);
      },
      leave: second ? (): void => {
        this.dropSecond();
        this.controls.show();
      } : null,
    });
    this.arenas.push(arena);
    this.holder.append(arena.element);
    this.holder.classList.toggle("two", this.arenas.length > 1);
    const { first } = this;
    if (second && first) {
      first.beside(arena);
      arena.beside(first);
    }
    let begun = false;
    arena.session.on("refused", (error) => {
      if (arena.session.standing || second) return;
      // An address that cannot be played: its fault stays in sight, above a game that can.
      refused(new Error(`${error.message} The usual game is open instead.`));
      arena.rename("The game");
      if (showing.settings !== START) void arena.session.reset(START);
    });
    arena.session.on("standing", (standing) => {
      this.controls.show();
      this.remember();
      if (!second) {
        this.panel.update(standing);
        this.address();
      }
      if (begun) return;
      begun = true;
      this.start();
    });
  }

  /** Starts what a lesson or a failure asked for, when every game on the screen stands. */
  private start(): void {
    const { upcoming } = this;
    if (!upcoming || !this.arenas.every((arena) => arena.session.standing)) return;
    this.upcoming = null;
    this.controls.setSpeed(upcoming.speed);
    if (upcoming.until !== null && !upcoming.slow) this.controls.setUntil(upcoming.until);
    if (upcoming.slow) void this.first?.session.slow();
    else for (const arena of this.arenas) void arena.session.play(upcoming.speed, upcoming.until);
  }

  private runLesson(lesson: Lesson): void {
    if (matchMedia("(max-width: 860px)").matches) this.controls.element.scrollIntoView();  // the picture is above
    this.own = false;
    this.showLesson(lesson, true);
  }

  private showLesson(lesson: Lesson, running: boolean): void {
    this.upcoming = running ? { speed: lesson.speed, until: lesson.rounds, slow: lesson.begin === "slow" } : null;
    this.controls.setSpeed(lesson.speed);
    this.controls.setUntil(lesson.rounds);
    this.begin(lesson.games[0], lesson.games[1] ?? null);
  }

  private address(): void {
    const settings = this.first?.session.settings;
    if (!settings) return;
    const query = settingsToQuery(settings);
    if (this.lesson) query.set("lesson", this.lesson);
    replaceAddress("play", query);
  }
}
