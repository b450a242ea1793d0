/** Runs that a person wants out of the list; this browser keeps them by their folders. */

const KEY = "ganforge-hidden-runs";
const MOST = 1_000;

export class Hidden {
  private readonly paths: Set<string>;

  constructor(private readonly store: Pick<Storage, "getItem" | "setItem"> | null) {
    this.paths = new Set(read(store));
  }

  has(path: string): boolean {
    return this.paths.has(path);
  }

  /** Hides what is shown, and shows what is hidden. */
  turn(path: string): void {
    if (!this.paths.delete(path)) this.paths.add(path);
    try {
      this.store?.setItem(KEY, JSON.stringify([...this.paths].slice(-MOST)));
    } catch {
      // it holds for this page only
    }
  }
}

function read(store: Pick<Storage, "getItem"> | null): string[] {
  try {
    const kept: unknown = JSON.parse(store?.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? kept.filter((one): one is string => typeof one === "string") : [];
  } catch {
    return []; // storage may be refused, or hold something else
  }
}

export function storage(): Storage | null {
  try {
    return localStorage;
  } catch {
    return null;
  }
}
