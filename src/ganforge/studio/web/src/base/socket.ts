/** One WebSocket with numbered calls, which comes back by itself when the connection drops. */

import { type Binary, decode } from "./binary";
import type { Reply } from "./protocol";

export class Refusal extends Error {
  constructor(message: string, readonly overtaken: boolean = false) {
    super(message);
  }
}

export type LinkState = "connecting" | "open" | "lost" | "closed";

export interface LinkEvents<Message, Header extends object> {
  /** Each time that the connection stands; `again` is false for the first time. */
  opened(again: boolean): void;
  state(state: LinkState): void;
  message(message: Message): void;
  binary(message: Binary<Header>): void;
}

interface Waiting {
  done(reply: never): void;
  failed(error: Refusal): void;
}

const LONGEST_WAIT = 8000;

export class Link<Message extends { type: string }, Header extends { type: string }> {
  private socket: WebSocket | null = null;
  private readonly waiting = new Map<number, Waiting>();
  private next = 1;
  private tries = 0;
  private stood = false;
  private timer = 0;
  private current: LinkState = "connecting";

  constructor(private readonly path: string, private readonly events: LinkEvents<Message, Header>) {
    this.connect();
  }

  get state(): LinkState {
    return this.current;
  }

  /** One call and its answer, or a Refusal with the server's one line. */
  call<Answer extends object>(what: string, fields: object = {}): Promise<Answer> {
    const socket = this.socket;
    if (!socket || socket.readyState !== WebSocket.OPEN) {
      return Promise.reject(new Refusal("There is no connection to the studio at the moment."));
    }
    const id = this.next++;
    return new Promise<Answer>((done, failed) => {
      this.waiting.set(id, { done: done as (reply: never) => void, failed });
      socket.send(JSON.stringify({ id, do: what, ...fields }));
    });
  }

  /** A message that has no answer. */
  tell(what: string, fields: object = {}): void {
    if (this.socket?.readyState === WebSocket.OPEN) {
      this.socket.send(JSON.stringify({ id: this.next++, do: what, ...fields }));
    }
  }

  close(): void {
    this.setState("closed");
    window.clearTimeout(this.timer);
    this.socket?.close();
    this.fail("It was closed.", true); // by who called: another view or model is open by now
  }

  /** Drops the connection as a bad network would; it comes back by itself. */
  drop(): void {
    this.socket?.close();
  }

  retryNow(): void {
    if (this.current !== "lost") return;
    window.clearTimeout(this.timer);
    this.connect();
  }

  private connect(): void {
    this.setState(this.stood ? "lost" : "connecting");
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}${this.path}`);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    socket.addEventListener("open", () => {
      const again = this.stood;
      this.stood = true;
      this.tries = 0;
      this.setState("open");
      this.events.opened(again);
    });
    socket.addEventListener("message", (event: MessageEvent<string | ArrayBuffer>) => this.receive(event.data));
    socket.addEventListener("close", () => this.dropped(socket));
  }

  private dropped(socket: WebSocket): void {
    if (this.socket !== socket || this.current === "closed") return;
    this.fail("The connection to the studio was lost.");
    this.tries += 1;
    this.setState("lost");
    const wait = Math.min(LONGEST_WAIT, 250 * 2 ** Math.min(this.tries, 6));
    this.timer = window.setTimeout(() => this.connect(), wait);
  }

  private receive(data: string | ArrayBuffer): void {
    if (typeof data !== "string") {
      const binary = decode<Header & Partial<Reply>>(data);
      const { id } = binary.header;
      if (typeof id === "number") this.answer(id, binary.header, binary);
      else this.events.binary(binary);
      return;
    }
    const message = JSON.parse(data) as Message & Partial<Reply>;
    if (typeof message.id === "number" && message.ok !== undefined) this.answer(message.id, message, message);
    else this.events.message(message);
  }

  private answer(id: number, reply: Partial<Reply>, body: object): void {
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    if (!waiting) return;
    if (reply.ok) waiting.done(body as never);
    else waiting.failed(new Refusal(reply.error ?? "The studio refused, without a reason.", reply.overtaken === true));
  }

  private fail(why: string, overtaken = false): void {
    for (const { failed } of this.waiting.values()) failed(new Refusal(why, overtaken));
    this.waiting.clear();
  }

  private setState(state: LinkState): void {
    if (this.current === "closed") return;
    this.current = state;
    this.events.state(state);
  }
}
