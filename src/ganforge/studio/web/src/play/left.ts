/** The games that this window has left, or had before a reload: kept in its session storage, and nowhere else. */

import { settingsToQuery } from "../base/address";
import type { Settings } from "../base/protocol";

export interface Left {
  title: string;
  session: string;
  settings: Settings;
}

const KEY = "ganforge-play";

export function keepLeft(games: Left[]): void {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(games));
  } catch {
    // A window without storage begins anew after a reload.
  }
}

/** Those to go on with: the first of them is the game that the address asks for, if it asks for any. */
export function findLeft(asked: Settings | null): Left[] {
  try {
    const games = JSON.parse(sessionStorage.getItem(KEY) ?? "[]") as Left[];
    const [first] = games;
    if (!first || (asked && settingsToQuery(asked).toString() !== settingsToQuery(first.settings).toString())) return [];
    return games;
  } catch {
    return [];
  }
}
