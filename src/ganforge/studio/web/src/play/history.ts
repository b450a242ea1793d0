/** The numbers so far, for the curves: bounded, and cut back where play is rewound. */

import type { Numbers } from "../base/protocol";

export interface Entry {
  nimg: number;
  round: number;
  numbers: Numbers;
}

const MOST = 1200;

export class Curves {
  private entries: Entry[] = [];

  add({ nimg, round, numbers }: Entry): void {
    const last = this.entries[this.entries.length - 1];
    if (last && nimg < last.nimg) this.cut(nimg);
    if (last && nimg === last.nimg) this.entries.pop();
    this.entries.push({ nimg, round, numbers });
    // Thinned by half rather than cut: the beginning is where most is learned.
    if (this.entries.length > MOST) this.entries = this.entries.filter((_, i) => i % 2 === 0 || i > MOST - 100);
  }

  /** Forget what comes after: another branch begins here. */
  cut(nimg: number): void {
    this.entries = this.entries.filter((entry) => entry.nimg <= nimg);
  }

  clear(): void {
    this.entries = [];
  }

  replace(entries: Entry[]): void {
    this.entries = [...entries].sort((a, b) => a.nimg - b.nimg);
  }

  get length(): number {
    return this.entries.length;
  }

  /** Whole rounds, as everything else in Play counts. */
  x(): number[] {
    return this.entries.map((entry) => entry.round);
  }

  /** The round at which so many examples had been shown. */
  roundAt(nimg: number): number {
    return (this.entries.find((entry) => entry.nimg >= nimg) ?? this.entries[this.entries.length - 1])?.round ?? 0;
  }

  /** All numbers, a line for each point. */
  csv(): string {
    const names = [...new Set(this.entries.flatMap((entry) => Object.keys(entry.numbers)))].sort();
    const lines = this.entries.map(({ nimg, round, numbers }) => [round, nimg, ...names.map((name) => numbers[name] ?? "")].join(","));
    return `${["round", "nimg", ...names].join(",")}\n${lines.join("\n")}\n`;
  }

  column(name: string): (number | null)[] {
    return this.entries.map((entry) => entry.numbers[name] ?? null);
  }
}
