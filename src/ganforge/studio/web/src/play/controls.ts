/** The row of buttons that moves the game; it acts on every game on the screen. */

import { button, el, fill, fresh, icon, ICONS } from "../base/dom";
import { refused } from "../base/notices";
import type { Session } from "./session";

export interface Controls {
  element: HTMLElement;
  show(): void;
  speed(): number | null;
  setSpeed(speed: number | null): void;
  setUntil(round: number): void;
}

const SPEEDS: readonly [string, number | null][] = [
  ["1 round a second", 1], ["5 a second", 5], ["20 a second", 20], ["100 a second", 100], ["250 a second", 250],
  ["full speed", null],
];

export function buildControls(sessions: () => Session[], extras: Node[]): Controls {
  const all = (act: (session: Session) => Promise<void>): void => {
    for (const session of sessions()) void act(session);
  };
  const speedId = fresh("speed");
  const select = el("select", { id: speedId, name: "speed", onchange: () => {
    const speed = chosen();
    for (const session of sessions()) if (session.playing) void session.play(speed, session.standing?.until ?? null);
  } }, ...SPEEDS.map(([words], i) => el("option", { value: String(i) }, words)));
  select.value = "4";
  const chosen = (): number | null => {
    const entry = SPEEDS[Number(select.value)];
    return entry ? entry[1] : null;
  };
  const playing = (): boolean => sessions().some((session) => session.playing);
  const play = button("Play", () => {
    if (playing()) all((session) => session.pause());
    else all((session) => session.play(chosen()));
  }, { class: "primary", name: "play" });
  const untilId = fresh("until");
  const until = el("input", { id: untilId, name: "until", type: "number", min: 1, max: 10_000_000, step: 1, value: 3000 });
  const run = (): void => {
    const round = Math.round(Number(until.value));
    if (!(round >= 1 && round <= 10_000_000)) {
      refused(new Error("The round to run to is a whole number from 1 to 10,000,000."));
      return;
    }
    all((session) => session.play(chosen(), round));
  };
  until.addEventListener("keydown", (event) => {
    if (event.key === "Enter") run();
  });
  const steps = [
    ...(["discriminator", "generator", "both"] as const).map((who) =>
      button(who, () => all((s) => s.step(who)), { name: `step-${who}`, "aria-label": `Step ${who}` })),
  ];
  const slow = button("Slow motion", () => {
    const [first, ...others] = sessions();
    for (const one of others) if (one.playing) void one.pause();  // one round of one game is read at a time
    if (first) void first.slow();
  }, { name: "slow" });
  const reset = button("Reset", () => all((session) => session.reset()), { name: "reset" });
  reset.prepend(icon(ICONS.reset));
  let shown: boolean | null = null;
  const show = (): void => {
    const now = playing();
    if (now === shown) return;
    shown = now;
    fill(play, icon(now ? ICONS.pause : ICONS.play), now ? "Pause" : "Play");
  };
  show();
  return {
    element: el("div", { class: "controls", role: "toolbar", "aria-label": "The game" },
      play, el("div", { class: "steps row" }, el("span", { class: "small quiet" }, "step"), ...steps), slow, reset,
      el("div", { class: "speed row" }, el("label", { for: speedId, class: "unseen" }, "speed"), select),
      el("div", { class: "until row" }, el("label", { for: untilId, class: "small quiet" }, "run to round"), until,
        button("Run", run, { name: "run-until", "aria-label": "Run to that round" })),
      el("span", { class: "grow" }), ...extras),
    show,
    speed: chosen,
    setUntil(round) {
      until.value = String(round);
    },
    setSpeed(speed) {
      const index = SPEEDS.findIndex(([, value]) => value !== null && speed !== null && value >= speed);
      select.value = String(speed === null || index < 0 ? SPEEDS.length - 1 : index);
    },
  };
}
