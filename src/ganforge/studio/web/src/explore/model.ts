/** The model that is open: one socket, `make` with the newest request only, tasks, and pictures as bitmaps. */

import type { Binary } from "../base/binary";
import { Emitter } from "../base/emitter";
import type { Row } from "../base/rows";
import type { Direction, Latent, Opened, TaskMessage } from "../base/protocol";
import { Link, type LinkState, Refusal } from "../base/socket";
import { type Cloud, cloudOf } from "./cloud";
import type { Said } from "./condition";

export interface MadeHeader {
  type: string;
  id?: number;
  slot?: string;
  seconds?: number;
  [more: string]: unknown;
}

export type Made = Binary<MadeHeader> & { cloud?: Cloud | null };

export interface Request {
  latents: Latent[];
  class: Said | Said[];
  /** Ask for what is heard, or moves, too: a file of each, after the pictures. */
  heard?: boolean;
}

export interface TaskDone {
  message: TaskMessage;
  binary: Made | null;
}

interface Slot {
  busy: boolean;
  next: { request: Request; done: (made: Made) => void } | null;
}

interface ModelEvents {
  opened: Opened;
  link: LinkState;
  refused: Error;
  task: TaskMessage;
  cloud: Cloud;
}

export class ModelLink extends Emitter<ModelEvents> {
  opened: Opened | null = null;
  /** Of points: real ones and made ones, once they are here. */
  cloud: Cloud | null = null;
  private readonly slots = new Map<string, Slot>();
  private readonly tasks = new Map<string, { done(result: TaskDone): void; failed(error: Error): void }>();
  private readonly early = new Map<string, TaskDone>();
  private readonly link: Link<TaskMessage, MadeHeader>;

  /** `moment`: which saved state of a run. */
  constructor(private readonly model: string, private readonly moment: string) {
    super();
    this.link = new Link("/api/explore", {
      opened: () => void this.open(),
      state: (state) => this.emit("link", state),
      message: (message) => this.heard(message, null),
      binary: (made) => this.heard(made.header as unknown as TaskMessage, made),
    });
  }

  /** Asks for pictures; while one request of this slot is under way, only the newest waits. */
  make(slot: string, request: Request, done: (made: Made) => void): void {
    let state = this.slots.get(slot);
    if (!state) {
      state = { busy: false, next: null };
      this.slots.set(slot, state);
    }
    state.next = { request, done };
    if (!state.busy) void this.work(slot, state);
  }

  /** Real examples, or inputs of a translation: pictures, rows of cells, or points. */
  examples(n: number): Promise<Made> {
    return this.link.call<Made>("examples", { n });
  }

  /** Rows of a table, as `gan sample --rows` writes them. */
  async table(n: number, seed: number, where: string[]): Promise<string[][]> {
    return (await this.link.call<{ rows: string[][] }>("table", { n, seed, where })).rows;
  }

  /** One file of what latents make: a sample as `gan sample` writes it, a sheet of all, or a film from each to the next. */
  file(request: Request, form: "own" | "sheet" | "film"): Promise<Made> {
    return this.link.call<Made>("file", { ...request, form });
  }

  /** Rows of a table as a file like the one that was read. */
  rowsFile(rows: readonly Row[]): Promise<Made> {
    return this.link.call<Made>("file", { rows });
  }

  /** Asks for the points that stand around each sample. */
  async surround(): Promise<void> {
    try {
      this.cloud = cloudOf(await this.examples(1000));
      if (this.cloud) this.emit("cloud", this.cloud);
    } catch (error) {
      if (error instanceof Refusal) this.emit("refused", error);
    }
  }

  feedback(latent: Latent, chosen: Said): Promise<Made> {
    return this.link.call<Made>("feedback", { latent, class: chosen });
  }

  /** Another name for a direction, kept with the run; gives all of them. */
  async rename(direction: string, name: string): Promise<Direction[]> {
    return (await this.link.call<{ directions: Direction[] }>("name", { direction, name })).directions;
  }

  /** A long piece of work; its progress comes as `task` events. `begun` is told its name, to cancel it by. */
  async task(kind: string, fields: object, begun: (task: string) => void = () => undefined): Promise<TaskDone> {
    const { task } = await this.link.call<{ task: string }>("task", { kind, ...fields });
    begun(task);
    const already = this.early.get(task);
    if (already) {
      this.early.delete(task);
      return settled(already);
    }
    return new Promise((done, failed) => this.tasks.set(task, { done, failed }));
  }

  cancel(task: string): void {
    this.link.call("cancel", { task }).catch(() => undefined);
  }

  close(): void {
    this.link.close();
  }

  private async open(): Promise<void> {
    try {
      const opened = await this.link.call<Opened>("open", { model: this.model, moment: this.moment });
      this.opened = opened;
      this.emit("opened", opened);
    } catch (error) {
      if (error instanceof Error) this.emit("refused", error);
    }
  }

  private async work(slot: string, state: Slot): Promise<void> {
    state.busy = true;
    while (state.next) {
      const { request, done } = state.next;
      state.next = null;
      try {
        done({ ...await this.link.call<Made>("make", { slot, ...request }), cloud: this.cloud });
      } catch (error) {
        if (error instanceof Refusal) this.emit("refused", error);
        else throw error;
      }
    }
    state.busy = false;
  }

  private heard(message: TaskMessage, binary: Made | null): void {
    if (message.type !== "task") return;
    this.emit("task", message);
    if (message.state === "running") return;
    const done: TaskDone = { message, binary };
    const waiting = this.tasks.get(message.task);
    this.tasks.delete(message.task);
    if (!waiting) this.early.set(message.task, done);
    else if (message.state === "done") waiting.done(done);
    else waiting.failed(new Refusal(message.words));
  }
}

function settled(done: TaskDone): Promise<TaskDone> {
  return done.message.state === "done" ? Promise.resolve(done) : Promise.reject(new Refusal(done.message.words));
}

/** Where an answer has `n` latents: the i-th, as a latent of its own. */
export function latentOf(made: Made, i: number): Latent | null {
  const block = made.arrays.get("latents");
  const width = block?.shape[1];
  if (!block || width === undefined) return null;
  return { z: Array.from(block.data.subarray(i * width, (i + 1) * width)) };
}
