/** What a lesson is: plain data. The question comes before the run. */

import type { Settings } from "../base/protocol";
import GAMES from "./games.json";

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
  /** Where it ends: the round at which every game of it stops. */
  rounds: number;
  /** Rounds a second; null is as fast as it goes. */
  speed: number | null;
  /** `slow` begins with slow motion in place of play. */
  begin?: "play" | "slow";
  answer: string;
  look: string[];
}

/** What a lesson plays: `games.json`, of which tests/studio/test_studio_lessons.py plays every one to its end. */
export function playedIn(name: keyof typeof GAMES): Pick<Lesson, "name" | "games" | "rounds" | "speed"> {
  const { games, rounds, speed } = GAMES[name];
  return { name, games: games as Lesson["games"], rounds, speed };
}
