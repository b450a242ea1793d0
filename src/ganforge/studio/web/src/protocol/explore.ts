/** What is said over `/api/explore`. */

export interface Model {
  model: string;
  name: string;
  kind: string;
  words: string;
  /** As the studio was told its folder. */
  path: string;
}

export interface Direction {
  name: string;
  words: string;
  reach: number;
  kind?: string;
}

export interface Opened {
  model: string;
  name: string;
  space: { kind: string; shape: number[]; classes?: string[]; columns?: string[] };
  words: string;
  view: "pictures" | "drawn" | "table" | "plane" | "line" | "numbers" | "translation";
  /** Whether what is made can be listened to. */
  heard?: boolean;
  /** Whether what is made is a film. */
  moving?: boolean;
  /** Whether what is made is a body of voxels. */
  solid?: boolean;
  /** A table's columns. */
  heads?: string[];
  /** Of a file of one sample. */
  suffix?: string;
  latent: number;
  prior: { size: number; kind: "normal" | "uniform"; bits: number } | null;
  conditions: number;
  classes: string[];
  /** What the generator is told beside its latent, or null. */
  condition?: { kind: "class" | "labels" | "numbers" | "text"; names: string[] } | null;
  can: Record<string, string | null>;
  directions: Direction[];
  /** Sides of the generator's features, coarsest first; empty where it has none on a grid. */
  grids: string[];
  /** Of what leads from pictures to pictures: what goes in and what comes out, in words. */
  translation?: { from: string; to: string; goes_back: boolean; makes_inputs: string | null } | null;
}

export type Latent =
  | { seed: number; start?: number }
  | { z: number[] }
  | { between: [Latent, Latent]; t: number }
  | { sum: [Latent, Latent, Latent] }
  | { moved: Latent; by: { direction: string; amount: number }[] }
  | { truncated: Latent; by: number }
  | { near: Latent; spread: number; seed: number }
  | { mixed: [Latent, Latent] };
