/** What Explore shows, as it stands in the address; and the command that makes the same. */

import type { Latent } from "../base/protocol";
import type { Held, Said } from "./condition";

export interface State {
  base: Latent;
  said: Said;
  truncation: number;
  by: { direction: string; amount: number }[];
  tool: string;
  pins: Held[];
}

const LONGEST = 1_500; // letters of one latent: what was found by inversion has hundreds of numbers
const PINS = 8;

/** Only what differs from `usual` stands in the address. */
export function stateToQuery(state: State, usual: State): URLSearchParams {
  const query = new URLSearchParams();
  const put = (key: string, value: unknown, plain: unknown): void => {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    if (JSON.stringify(value) !== JSON.stringify(plain) && text.length <= LONGEST) query.set(key, text);
  };
  const { base } = state;
  if ("seed" in base && !("near" in base)) {
    put("seed", base.seed, "seed" in usual.base && !("near" in usual.base) ? usual.base.seed : 0);
    put("start", base.start ?? 0, 0);
  } else put("latent", base, null);
  if (state.said !== null) put("class", state.said, usual.said);
  put("truncation", state.truncation, 1);
  for (const { direction, amount } of state.by) query.append("direction", `${direction}:${Number(amount.toPrecision(4))}`);
  put("tool", state.tool, usual.tool);
  for (const pin of state.pins.slice(0, PINS)) {
    const text = JSON.stringify([pin.latent, pin.said]);
    if (text.length <= LONGEST) query.append("pin", text);
  }
  return query;
}

/** The inverse; what cannot be read is as `usual`. */
export function stateFromQuery(query: URLSearchParams, usual: State): State {
  const read = (key: string): unknown => parsed(query.get(key));
  const seed = whole(query.get("seed"));
  const start = whole(query.get("start"));
  const latent = read("latent");
  const truncation = Number(query.get("truncation") ?? 1);
  const said = query.has("class") ? read("class") ?? query.get("class") : usual.said;
  return {
    base: isLatent(latent) ? latent : seed !== null ? { seed, ...(start ? { start } : {}) } : usual.base,
    said: isSaid(said) ? said : usual.said,
    truncation: truncation >= 0 && truncation <= 1 ? truncation : 1,
    by: query.getAll("direction").map((text) => {
      const at = text.lastIndexOf(":");
      return { direction: text.slice(0, at), amount: Number(text.slice(at + 1)) };
    }).filter(({ direction, amount }) => direction !== "" && Number.isFinite(amount)),
    tool: query.get("tool") ?? usual.tool,
    pins: query.getAll("pin").slice(0, PINS).map(parsed).filter(Array.isArray)
      .map(([held, what]: unknown[]) => ({ latent: held, said: what ?? null }))
      .filter((pin): pin is Held => isLatent(pin.latent) && isSaid(pin.said)),
  };
}

function parsed(text: string | null): unknown {
  try {
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

function whole(text: string | null): number | null {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

function isLatent(value: unknown): value is Latent {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSaid(value: unknown): value is Said {
  return value === null || typeof value === "number" || typeof value === "string" ||
    (typeof value === "object" && "mix" in value);
}

/** Wishes that are joined by commas, without empty ones. */
export function words(text: string): string[] {
  return text.split(",").map((word) => word.trim()).filter(Boolean);
}

/** A word of a shell's command. */
export function quoted(word: string): string {
  return /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

export interface Wish {
  rows?: number;
  seed?: number;
  seeds?: string;
  where?: readonly string[];
  /** An option and its words, as in `--class 4`. */
  said?: readonly [string, string] | null;
  truncation?: number;
  grid?: string;
  film?: string;
}

/** `gan sample` with the options that make what is on the screen. */
export function sampleCommand(path: string, wish: Wish): string {
  const parts = ["gan", "sample", path];
  const put = (option: string, value: string | number | undefined): void => {
    if (value !== undefined) parts.push(option, String(value));
  };
  put("--rows", wish.rows);
  put("--seed", wish.seed);
  put("--seeds", wish.seeds);
  for (const one of wish.where ?? []) put("--where", one);
  if (wish.said) parts.push(...wish.said);
  if (wish.truncation !== undefined && wish.truncation < 1) put("--truncation", wish.truncation);
  put("--grid", wish.grid);
  put("--film", wish.film);
  return parts.map(quoted).join(" ");
}
