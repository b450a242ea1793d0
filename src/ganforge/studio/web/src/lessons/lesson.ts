/** What a lesson is: plain data. The question comes before the run. */

import type { Changes, Settings } from "../base/protocol";

export interface LessonGame {
  title: string;
  settings: Settings;
}

export interface Lesson {
  name: string;
  title: string;
  text: string[];
  question: string;
  choices: string[];
  /** Index of the right choice. */
  right: number;
  games: [LessonGame] | [LessonGame, LessonGame];
  /** Rounds a second; null is as fast as it goes. */
  speed: number | null;
  /** `slow` begins with slow motion in place of play. */
  begin?: "play" | "slow";
  answer: string;
  look: string[];
}

/** The studio's small textbook game on built-in data, or the game of another recipe. */
export function game(title: string, data: string, changes: Changes = {}, recipe = "textbook"): LessonGame {
  return { title, settings: { data: { kind: "builtin", name: data }, recipe, changes, seed: 0 } };
}

/** The same without any noise for the generator. */
export function withoutNoise({ title, settings }: LessonGame): LessonGame {
  return { title, settings: { ...settings, noise: false } };
}

export const PENALTIES = [
  { name: "r1", weight: 0.05, method: "finite_difference", sigma: 0.002, share: 0.25 },
  { name: "r2", weight: 0.05, method: "finite_difference", sigma: 0.002, share: 0.25 },
];
