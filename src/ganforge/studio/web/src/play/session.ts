/** One session of Play: a socket, the settings, the latest frame, the curves, the moments and the findings. */

import type { Binary, Block } from "../base/binary";
import { Emitter } from "../base/emitter";
import type {
  Advice, Changes, Finding, FrameHeader, Moment, PlayMessage, SceneHeader, Score, Settings, Stage, Standing,
} from "../base/protocol";
import { Link, type LinkState, Refusal } from "../base/socket";
import { Curves, type Entry } from "./history";

export type Scene = Binary<SceneHeader>;
export type Frame = Binary<FrameHeader>;

export interface SessionEvents {
  standing: Standing;
  scene: Scene;
  frame: Frame;
  moments: Moment[];
  findings: { findings: Finding[]; verdict: string; scores: Record<string, Score> };
  curves: Curves;
  stage: Stage | null;
  link: LinkState;
  refused: Error;
  ended: string;
}

interface WithStanding extends Standing {
  needed_reset?: boolean;
  did_reset?: boolean;
  stage_details?: Stage;
}

export class Session extends Emitter<SessionEvents> {
  readonly curves = new Curves();
  standing: Standing | null = null;
  scene: Scene | null = null;
  frame: Frame | null = null;
  moments: Moment[] = [];
  findings: Finding[] = [];
  verdict = "";
  private link: Link<PlayMessage, SceneHeader | FrameHeader>;
  private wanted: Settings;
  private watching: object = { rate: 10.2 };  // so that ten come, should one be late
  private acknowledged = 0;
  private closed = false;
  /** The server has ended the game. */
  private over = false;

  /** `former`: the name of a session that was left, to go on with; where it is over the settings begin anew. */
  constructor(settings: Settings, private former: string | null = null) {
    super();
    this.wanted = settings;
    this.link = this.connect();
  }

  get playing(): boolean {
    return this.standing?.playing ?? false;
  }

  /** Whole rounds played, as they are shown. */
  get round(): number {
    return this.frame?.header.round ?? this.standing?.round ?? 0;
  }

  get settings(): Settings {
    return this.standing?.settings ?? this.wanted;
  }

  // What a person can do ------------------------------------------------------------------------------------

  /** `until`: the round at which play ends by itself; null is never. */
  play(speed?: number | null, until: number | null = null): Promise<void> {
    this.emit("stage", null);
    return this.act("play", { ...(speed === undefined ? {} : { speed }), ...(until === null ? {} : { until }) });
  }

  pause(): Promise<void> {
    return this.act("pause");
  }

  step(who: "discriminator" | "generator" | "both"): Promise<void> {
    this.emit("stage", null);
    return this.act("step", { who });
  }

  async slow(): Promise<void> {
    await this.guard(async () => {
      // The reply's `stage` is the whole description; the standing's own is only its name.
      const reply = await this.link.call<Omit<Standing, "stage"> & { stage: Stage }>("slow");
      if ("nimg" in reply) this.stand({ ...reply, stage: reply.stage.stage });
      this.emit("stage", reply.stage);
    });
  }

  /** True where the changes need a new game to begin, and it was not allowed to. */
  async set(changes: Changes, reset: "never" | "if_needed" | "always" = "if_needed"): Promise<boolean> {
    let needed = false;
    await this.guard(async () => {
      const reply = await this.link.call<WithStanding>("set", { changes, reset });
      needed = reply.needed_reset === true && reply.did_reset !== true;
      if (reply.did_reset) await this.begun(reply);
      else this.stand(reply);
    });
    return needed;
  }

  async reset(settings?: Settings): Promise<void> {
    if (settings) this.wanted = settings;
    this.over = false;
    if (!this.standing) return this.link.state === "open" ? this.open() : this.link.retryNow();
    await this.guard(async () => {
      await this.begun(await this.link.call<WithStanding>("reset", settings ? { settings } : {}));
    });
  }

  async rewind(moment: number): Promise<void> {
    await this.guard(async () => {
      const reply = await this.link.call<WithStanding>("rewind", { moment });
      this.emit("stage", null);
      this.stand(reply);
      await this.readCurve();
    });
  }

  advice(index: number): Promise<Advice> {
    return this.link.call<Advice>("advice", { index });
  }

  watch(wishes: { layers?: string[]; heat?: number; arrows?: number; networks?: boolean }): void {
    this.watching = { ...this.watching, ...wishes };
    if (this.standing) void this.guard(async () => void (await this.link.call("watch", this.watching)));
  }

  /** The frame was drawn: the server may make another. */
  drawn(frame: number): void {
    if (frame <= this.acknowledged) return;
    this.acknowledged = frame;
    this.link.tell("ack", { frame });
  }

  /** For tests: as if the network had failed. */
  drop(): void {
    this.link.drop();
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.link.tell("close");
    this.link.close();
  }

  /** Goes away from a game that can be come back to; it stops for as long. */
  leave(): void {
    if (this.closed) return;
    this.closed = true;
    this.link.tell("pause");
    this.link.close();
  }

  // What the server says ------------------------------------------------------------------------------------

  private connect(): Link<PlayMessage, SceneHeader | FrameHeader> {
    return new Link("/api/play", {
      opened: () => {
        if (this.over) return;  // until somebody asks for it
        const session = this.standing?.session ?? this.former;
        this.former = null;
        void (session === null ? this.open() : this.resume(session));
      },
      state: (state) => this.emit("link", state),
      message: (message) => this.heard(message),
      binary: (message) => this.seen(message),
    });
  }

  private async open(): Promise<void> {
    await this.guard(async () => {
      await this.begun(await this.link.call<Standing>("open", { settings: this.wanted }));
      await this.link.call("watch", this.watching);
    });
  }

  private async resume(session: string): Promise<void> {
    try {
      this.acknowledged = 0;
      this.stand(await this.link.call<Standing>("resume", { session }));
      await this.link.call("watch", this.watching);
      await this.readMoments();
      await this.readCurve();
    } catch {
      // It was away for too long: the same settings, from the beginning.
      this.wanted = this.settings;
      this.standing = null;
      await this.open();
    }
  }

  private async readMoments(): Promise<void> {
    const { moments } = await this.link.call<{ moments: Moment[] }>("moments");
    this.moments = moments;
    this.emit("moments", moments);
  }

  private async readCurve(): Promise<void> {
    const { curve } = await this.link.call<{ curve: Entry[] }>("curve");
    this.curves.replace(curve);
    this.emit("curves", this.curves);
  }

  /** A new game stands. Its first moment was told before this reply, and is asked for again. */
  private async begun(standing: Standing): Promise<void> {
    this.anew();
    this.stand(standing);
    await this.readMoments();
  }

  private anew(): void {
    this.curves.clear();
    this.moments = [];
    this.findings = [];
    this.verdict = "";
    this.acknowledged = 0;
    this.emit("curves", this.curves);
    this.emit("moments", this.moments);
    this.emit("findings", { findings: [], verdict: "", scores: {} });
    this.emit("stage", null);
  }

  private stand(standing: Standing): void {
    this.standing = standing;
    this.wanted = standing.settings;
    this.findings = standing.findings;
    this.emit("standing", standing);
  }

  private heard(message: PlayMessage): void {
    switch (message.type) {
      case "standing":
        this.stand(message);
        if (message.why) this.emit("refused", new Error(message.why));
        break;
      case "moment":
        this.moments = [...this.moments, message.moment];
        this.emit("moments", this.moments);
        break;
      case "forgotten": {
        const gone = new Set(message.moments);
        this.moments = this.moments.filter((moment) => !gone.has(moment.id));
        this.emit("moments", this.moments);
        break;
      }
      case "findings":
        this.findings = message.findings;
        this.verdict = message.verdict;
        this.emit("findings", message);
        break;
      case "ended":
        this.standing = null;
        this.over = true;
        if (message.reopen) this.wanted = message.reopen;
        this.emit("ended", message.error);
        break;
    }
  }

  private seen(message: Binary<SceneHeader | FrameHeader>): void {
    if (message.header.type === "scene") {
      this.scene = message as Scene;
      this.frame = null;
      this.emit("scene", this.scene);
      return;
    }
    const frame = message as Frame;
    this.frame = frame;
    this.curves.add(frame.header);
    this.emit("frame", frame);
    this.emit("curves", this.curves);
  }

  private async act(what: string, fields: object = {}): Promise<void> {
    await this.guard(async () => this.stand(await this.link.call<Standing>(what, fields)));
  }

  private async guard(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (!this.closed) this.emit("refused", error);
    }
  }
}

export function array(binary: Binary<object> | null, name: string): Block | null {
  return binary?.arrays.get(name) ?? null;
}
