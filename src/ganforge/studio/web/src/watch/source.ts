/** What is known of the runs: one socket, and for each followed run its log, events, samples and summary. */

import { Emitter } from "../base/emitter";
import type { Command, Finding, LogLine, RunEvent, RunSummary, Sample, TaskMessage, WatchMessage } from "../base/protocol";
import { Link, type LinkState } from "../base/socket";

export interface Followed {
  run: string;
  summary: RunSummary | null;
  lines: LogLine[];
  events: RunEvent[];
  samples: Sample[];
  logNext: number;
  eventsNext: number;
  /** Whether the server tells us of it; a run that is only just starting is asked for again. */
  told: boolean;
  /** Whether what there is has been read once. */
  read: boolean;
}

export interface SourceEvents {
  runs: RunSummary[];
  changed: Followed;
  task: TaskMessage;
  link: LinkState;
  refused: Error;
}

export class WatchSource extends Emitter<SourceEvents> {
  readonly followed = new Map<string, Followed>();
  runs: RunSummary[] = [];
  private readonly link: Link<WatchMessage, { type: string }>;

  constructor() {
    super();
    this.link = new Link("/api/watch", {
      opened: () => void this.begin(),
      state: (state) => this.emit("link", state),
      message: (message) => this.heard(message),
      binary: () => undefined,
    });
  }

  follow(run: string): Followed {
    const known = this.followed.get(run);
    if (known) return known;
    const fresh: Followed = { run, summary: null, lines: [], events: [], samples: [], logNext: 0, eventsNext: 0, told: false, read: false };
    this.followed.set(run, fresh);
    if (this.runs.some((one) => one.run === run)) void this.ask(fresh);
    return fresh;
  }

  unfollow(run: string): void {
    this.followed.delete(run);
    this.link.call("unfollow", { run }).catch(() => undefined);
  }

  async command(run: string, command: Command): Promise<string> {
    const answer = await this.link.call<{ summary: RunSummary; words: string }>("command", { run, command });
    this.summarise(answer.summary);
    return answer.words;
  }

  close(): void {
    this.link.close();
  }

  private async begin(): Promise<void> {
    try {
      const { runs } = await this.link.call<{ runs: RunSummary[] }>("runs");
      for (const one of this.followed.values()) one.told = false;
      this.listed(runs);
    } catch (error) {
      if (error instanceof Error) this.emit("refused", error);
    }
  }

  private async ask(one: Followed): Promise<void> {
    one.told = true;
    try {
      const { summary } = await this.link.call<{ summary: RunSummary }>("follow",
        { run: one.run, log_from: one.logNext, events_from: one.eventsNext });
      one.read = true;
      this.summarise(summary);
    } catch (error) {
      one.told = false;
      if (error instanceof Error) this.emit("refused", error);
    }
  }

  private listed(runs: RunSummary[]): void {
    this.runs = runs;
    this.emit("runs", runs);
    for (const summary of runs) if (this.followed.has(summary.run)) this.summarise(summary);
    const present = new Set(runs.map((run) => run.run));
    for (const one of this.followed.values()) if (!one.told && present.has(one.run)) void this.ask(one);
  }

  private summarise(summary: RunSummary): void {
    this.runs = this.runs.map((one) => (one.run === summary.run ? summary : one));
    this.emit("runs", this.runs);
    const one = this.followed.get(summary.run);
    if (!one) return;
    one.summary = summary;
    this.emit("changed", one);
  }

  private heard(message: WatchMessage): void {
    if (message.type === "task") return this.emit("task", message);
    if (message.type === "runs") return this.listed(message.runs);
    if (message.type === "summary") return this.summarise(message);
    const one = this.followed.get(message.run);
    if (!one) return;
    if (message.type === "log") {
      // A run that was resumed tells again what comes after its save: the newer lines hold.
      const from = message.lines[0]?.nimg ?? Infinity;
      one.lines = message.anew ? message.lines : [...one.lines.filter((line) => line.nimg < from), ...message.lines];
      one.logNext = message.next;
    } else if (message.type === "events") {
      one.events = message.anew ? message.lines : [...one.events, ...message.lines];
      one.eventsNext = message.next;
    } else {
      const known = new Set(message.anew ? [] : one.samples.map((sample) => sample.file));
      const fresh = message.samples.filter((sample) => !known.has(sample.file));
      one.samples = [...(message.anew ? [] : one.samples), ...fresh].sort((a, b) => a.nimg - b.nimg);
    }
    this.emit("changed", one);
  }
}

/** Every finding of a run once, where it was first seen; for the marks on its curves. */
export function firstSeen(events: readonly RunEvent[]): Finding[] {
  const known = new Map<string, Finding>();
  for (const { event, finding } of events) {
    if (event === "finding" && finding && ["warning", "failure"].includes(finding.severity) && !known.has(finding.code)) {
      known.set(finding.code, finding);
    }
  }
  return [...known.values()];
}
