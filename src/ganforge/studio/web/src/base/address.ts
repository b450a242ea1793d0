/** What lives in the address: the view, and in Play the whole settings, in a form that people can read. */

import type { Changes, PlayData, Settings, Value } from "./protocol";

export type ViewName = "play" | "watch" | "explore";

export interface Address {
  view: ViewName;
  query: URLSearchParams;
  /** A page that was asked for and is none, or null. */
  unknown: string | null;
}

export function readAddress(hash: string): Address {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const known = path === "watch" || path === "explore" || path === "play";
  return { view: known ? path : "play", query: new URLSearchParams(query), unknown: known || !path ? null : path };
}

export function writeAddress(view: ViewName, query: URLSearchParams): string {
  const text = query.toString().replaceAll("%2C", ",").replaceAll("%3A", ":").replaceAll("%3B", ";");
  return text ? `#/${view}?${text}` : `#/${view}`;
}

/** Puts it into the address bar without a new entry in the history and without a `hashchange`. */
export function replaceAddress(view: ViewName, query: URLSearchParams): void {
  const next = writeAddress(view, query);
  // The view's link leads back to what was last seen there.
  document.querySelector(`nav [data-view="${view}"]`)?.setAttribute("href", next);
  if (location.hash !== next) history.replaceState(null, "", next);
}

export function settingsToQuery(settings: Settings): URLSearchParams {
  const query = new URLSearchParams();
  query.set("data", dataToText(settings.data));
  query.set("recipe", settings.recipe ?? "auto");
  query.set("seed", String(settings.seed));
  if (settings.noise === false) query.set("noise", "false");
  for (const [key, value] of Object.entries(settings.changes)) {
    query.set(key, typeof value === "string" ? value : JSON.stringify(value));
  }
  return query;
}

const NOT_CHANGES = new Set(["data", "recipe", "seed", "noise", "lesson"]);

/**
 * The settings that an address names, or null where it names no data. Throws what is wrong with it, in one line.
 *
 * `usual`: the recipe for data where the address names none.
 */
export function settingsFromQuery(query: URLSearchParams, usual: (data: PlayData) => string | null): Settings | null {
  const text = query.get("data");
  if (!text) return null;
  const data = dataFromText(text);
  if (!data) throw new Error("The address draws no points: data=drawn: is followed by x,y pairs with ; between them.");
  const changes: Changes = {};
  for (const [key, value] of query) if (!NOT_CHANGES.has(key)) changes[key] = literal(value);
  const recipe = query.get("recipe") ?? usual(data) ?? "auto";
  const seed = query.get("seed") ?? "0";
  if (!/^\d+$/.test(seed)) throw new Error(`The address asks for the seed ‘${seed.slice(0, 40)}’; a seed is a whole number from 0 on.`);
  return {
    data, recipe: recipe === "auto" ? null : recipe, changes, seed: Number(seed),
    ...(query.get("noise") === "false" ? { noise: false } : {}),
  };
}

function literal(text: string): Value {
  try {
    return JSON.parse(text) as Value;
  } catch {
    return text;
  }
}

function dataToText(data: PlayData): string {
  if (data.kind === "builtin") return data.name;
  if (data.kind === "uploaded") return `uploaded:${data.id}:${data.name}`;
  return `drawn:${data.points.map((point) => point.map((x) => Number(x.toFixed(2))).join(",")).join(";")}`;
}

function dataFromText(text: string): PlayData | null {
  if (text.startsWith("uploaded:")) {
    const [, id = "", ...name] = text.split(":");
    return { kind: "uploaded", id, name: name.join(":") };
  }
  if (text.startsWith("drawn:")) {
    const points = text.slice(6).split(";").map((pair) => pair.split(",").map(Number));
    return points.every((point) => point.every(Number.isFinite)) ? { kind: "drawn", points } : null;
  }
  return { kind: "builtin", name: text };
}
