/** The lessons: a few sentences, a question to answer before the run, the run, then the answer. */

import { button, el, fill, fresh } from "../base/dom";
import { type Lesson, LESSONS } from "../lessons/index";

export interface LessonsPanel {
  element: HTMLElement;
  /** False where there is no such lesson. */
  open(name: string): boolean;
}

/** `run` sets the lesson's games up and starts them; `opened` is told which one is read, null for the list, and whether by hand. */
export function lessonsPanel(run: (lesson: Lesson) => void, opened: (lesson: Lesson | null, byHand: boolean) => void): LessonsPanel {
  const element = el("div", { class: "lessons stack" });
  const done = new Set<string>();
  const list = (): void => {
    opened(null, true);
    fill(element,
      el("p", {}, "Two networks learn from one another: the generator turns noise into fakes, and the discriminator tells " +
        "them from real examples. Among points fakes are orange, real ones green. The generator sees no real example: " +
        "it follows the discriminator’s advice, the arrows."),
      el("div", {}, button("Start lesson 1", () => show(0), { class: "primary", name: "start-first" })),
      el("p", { class: "quiet" }, "Each takes a few minutes: read, answer, then see whether you were right."),
      el("ol", { class: "lesson-list" }, ...LESSONS.map((lesson, i) => el("li", {},
        button(`${i + 1}. ${lesson.title}`, () => show(i), {
          class: `plain${done.has(lesson.name) ? " done" : ""}`, "data-lesson": lesson.name })))));
  };
  const show = (index: number, byHand = true): void => {
    const lesson = LESSONS[index];
    if (!lesson) return;
    opened(lesson, byHand);
    const title = el("h2", { tabindex: -1 }, `${index + 1}. ${lesson.title}`);
    fill(element,
      el("div", {}, button("← All lessons", list, { class: "plain" })),
      title, ...lesson.text.map((text) => el("p", {}, text)),
      question(lesson, () => {
        done.add(lesson.name);
        run(lesson);
      }, LESSONS[index + 1] ? (): void => show(index + 1) : null));
    title.focus();
  };
  list();
  return {
    element,
    open(name) {
      const index = LESSONS.findIndex((lesson) => lesson.name === name);
      if (index >= 0) show(index, false);
      return index >= 0;
    },
  };
}

function question(lesson: Lesson, run: () => void, next: (() => void) | null): HTMLElement {
  const name = fresh("answer");
  const start = button("Run it", () => begin(), { class: "primary", name: "run-lesson", disabled: true });
  const after = el("div", { class: "stack answer", "aria-live": "polite" });
  const before = el("p", { class: "small quiet" }, "Answer first; the run starts after that.");
  const options = lesson.choices.map((choice, i) => {
    const id = fresh("choice");
    return el("div", { class: "check", "data-choice": i },
      el("input", { id, type: "radio", name, value: i, onchange: () => { start.disabled = false; } }),
      el("label", { for: id }, choice));
  });
  const form = el("fieldset", { class: "stack question" },
    el("legend", {}, el("strong", {}, lesson.question)), ...options);
  const begin = (): void => {
    const chosen = Number(form.querySelector<HTMLInputElement>("input:checked")?.value ?? -1);
    options.forEach((option, i) => {
      option.classList.toggle("right", i === lesson.right);
      option.classList.toggle("wrong", i === chosen && i !== lesson.right);
    });
    fill(after,
      el("p", {}, el("strong", {}, chosen === lesson.right ? "Yes. " : "Not quite. "), lesson.answer),
      el("h3", {}, "What to look at"),
      el("ul", { class: "look" }, ...lesson.look.map((line) => el("li", {}, line))),
      next ? el("div", {}, button("Next lesson", next, { name: "next-lesson" })) : null);
    before.hidden = true;
    start.textContent = "Run it again";
    run();
    const side = after.closest(".sidebar");
    if (side) side.scrollTop = side.scrollHeight;  // the answer, where it is below what is seen; nothing else moves
  };
  return el("div", { class: "stack" }, form, before, el("div", {}, start), after);
}
