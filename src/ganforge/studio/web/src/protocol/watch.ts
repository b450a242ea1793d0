/** What is said over `/api/watch`. */

import type { Finding, Score, Severity, TaskMessage } from "./shared";

export interface RunSummary {
  run: string;
  name: string;
  path: string;
  state: "training" | "paused" | "finished" | "stopped" | "diverged" | "unknown";
  nimg: number;
  total_nimg: number | null;
  seconds: number | null;
  seconds_left: number | null;
  device: string | null;
  recipe: string;
  data: string;
  space: string;
  started: string | null;
  changed: number;
  examples_a_second: number | null;
  score: { key: string; value: number | null; floor: number | null } | null;
  findings: Finding[];
  verdict: { words: string; severity: Severity };
  picture: string | null;
  error: string | null;
}

export interface Note {
  mean: number | null;
  deviation: number | null;
  positive: number | null;
}

export interface LogLine {
  nimg: number;
  rounds: number;
  seconds: number;
  progress: number;
  refused?: number;
  discriminator_loss?: Note;
  generator_loss?: Note;
  real_logits?: Note;
  fake_logits?: Note;
  margin?: Note;
  discriminator_gradient?: Note;
  generator_gradient?: Note;
  examination?: {
    scores?: Record<string, Score>;
    judged?: Record<string, Note>;
    headline?: string;
  } | null;
}

export interface RunEvent {
  time: number | string;
  event: string;
  nimg?: number;
  finding?: Finding;
}

export interface Sample {
  nimg: number;
  file: string;
}

export type Command = "pause" | "resume" | "stop" | "save";

export type WatchMessage =
  | { type: "log"; run: string; lines: LogLine[]; next: number; anew: boolean }
  | { type: "events"; run: string; lines: RunEvent[]; next: number; anew: boolean }
  | { type: "samples"; run: string; samples: Sample[]; anew: boolean }
  | ({ type: "summary" } & RunSummary)
  | { type: "runs"; runs: RunSummary[] }
  | TaskMessage;
