/** What is said over `/api/play`. */

import type { Changes, Finding, Numbers, Score, Value } from "./shared";

export type PlayData =
  | { kind: "builtin"; name: string }
  | { kind: "drawn"; points: number[][] }
  | { kind: "uploaded"; id: string; name: string };

export interface Settings {
  data: PlayData;
  recipe: string | null;
  changes: Changes;
  seed: number;
  /** False where the generator gets no noise at all, to show why it needs some; otherwise left out. */
  noise?: boolean;
}

export interface Penalty {
  name: string;
  weight: number;
  [option: string]: Value;
}

interface SettingBase {
  key: string;
  title?: string;
  words?: string;
  reset: boolean;
  /** It may be null: none. */
  optional?: boolean;
  group: "data" | "game" | "generator" | "discriminator" | "noise";
}

export type Setting = SettingBase &
  (
    | { type: "choice"; choices: { value: Value; words: string }[] }
    | { type: "number" | "whole"; low: number; high: number; scale: "log" | "linear" }
    | { type: "truth" }
    | { type: "list" }
  );

export interface Failure {
  name: string;
  title: string;
  words: string;
  settings: Settings;
  remedy: { words: string; changes: Changes };
  expect: string[];
  speed: number | null;
}

export interface Contrast {
  name: string;
  title: string;
  words: string;
  settings: Settings;
}

export interface Catalogue {
  data: { name: string; title: string; dims: number; kind: "points" | "pictures" }[];
  recipes: { name: string; words: string; changes?: Changes; kinds: string[] }[];
  settings: Setting[];
  penalties: { name: string; words: string; defaults: { weight: number; [option: string]: Value } }[];
  failures: Failure[];
  why_randomness: Contrast[];
  slow_stages: { stage: string; title: string; words: string; lights: string[] }[];
}

export interface Uploaded {
  data: PlayData;
  space: string;
  n: number;
  kind: string;
  dims: number;
  notes: string[];
}

export interface Script {
  python: string;
  command: string | null;
  settings: Settings;
}

export interface Standing {
  session: string;
  settings: Settings;
  recipe: Changes;
  playing: boolean;
  speed: number | null;
  nimg: number;
  /** Whole rounds; the step of one player alone is none. */
  round: number;
  /** The round at which play ends by itself, or null. */
  until: number | null;
  total_nimg: number;
  branch: number;
  moment: number | null;
  stage: string | null;
  generator_parameters: number;
  discriminator_parameters: number;
  recorded: boolean;
  why_not_recorded: string | null;
  /** What was done by hand that no script of the settings does. */
  unlike_script: string | null;
  findings: Finding[];
}

export interface Moment {
  id: number;
  nimg: number;
  round: number;
  branch: number;
  parent: number | null;
  numbers: Numbers;
}

export interface Stage {
  stage: string;
  move: number;
  moves: number;
  round: number;
  title: string;
  words: string;
  /** Parts of the drawn game that it is about, in order. */
  lights: string[];
  numbers: Numbers;
  predictions: number[] | null;
  samples: number[][] | null;
}

export interface Advice {
  probability: number | null;
  logit: number | null;
  words: string;
  change: number[];
  shape: number[];
  largest: number;
}

export type PlayMessage =
  | ({ type: "standing"; why?: string | null } & Standing)
  | { type: "moment"; moment: Moment }
  | { type: "forgotten"; moments: number[] }
  | { type: "findings"; nimg: number; findings: Finding[]; verdict: string; scores: Record<string, Score> }
  | { type: "ended"; error: string; reopen: Settings | null };

export interface SceneHeader {
  type: "scene";
  view: "line" | "plane" | "pictures" | "numbers";
  shape: number[];
  n: number;
  columns: string[];
  classes: string[];
  modes: number | null;
  latent: number;
  goal: { value: number; d: number };
  heat_means: "probability" | "relative";
  bounds?: number[];
}

export interface FrameHeader {
  type: "frame";
  frame: number;
  nimg: number;
  round: number;
  branch: number;
  playing: boolean;
  stage: string | null;
  seconds: number;
  rounds_a_second: number | null;
  numbers: Numbers;
  bounds?: number[];
  arrow_norm?: number | null;
  /** Small networks from the inside: units of each layer, how many of them are shown, and over what. */
  networks?: Record<"generator" | "discriminator", { units: number[]; shown: number[]; bounds: number[] }>;
}
