/** What all three views share in what the server and the browser say to each other. */

export type Numbers = Record<string, number | null>;
export type Value = string | number | boolean | null | Value[] | { [key: string]: Value };
export type Changes = Record<string, Value>;

export interface Limits {
  play_sessions: number;
  sessions_open: number;
  points: number;
  upload_bytes: number;
  width: number;
  depth: number;
  batch: number;
  latent: number;
  moments: number;
  moment_bytes: number;
  idle_seconds: number;
  grace_seconds: number;
  message_bytes: number;
  explore_models: number;
  translated_pixels: number;
  pictures: number;
  frames_a_second: number;
}

export interface About {
  ganforge: string;
  protocol: number;
  token_needed: boolean;
  entered: boolean;
  roots: string[];
  watch: string | null;
  limits: Limits;
}

export type Severity = "good" | "notice" | "warning" | "failure";

export interface Finding {
  code: string;
  severity: Severity;
  nimg: number;
  evidence: Record<string, number>;
  meaning: string;
  remedy: string;
  changes: Changes;
  /** What ran, by the same keys. */
  before?: Changes;
  page?: string;
}

export interface Score {
  value: number | null;
  floor: number | null;
  low: number | null;
  high: number | null;
}

export interface Reply {
  id: number;
  ok: boolean;
  error?: string;
  overtaken?: boolean;
}

export interface TaskMessage {
  type: "task";
  task: string;
  kind: string;
  state: "running" | "done" | "failed" | "cancelled";
  done: number | null;
  words: string;
  result: { [key: string]: Value } | null;
}
