import type { Run } from "../../run.ts";
import { engineMetAt } from "../bootstrap.ts";
import type { EngineRequest, EngineSide, Taken } from "../dialect.ts";
import { sglangFailureFrames, transferFailed, type Stage } from "./errors.ts";
import { heartbeat } from "./heartbeat.ts";
import type { Meeting } from "./meeting.ts";
import type { Registered, ToDecode, ToPrefill } from "./messages.ts";
import { sglangUsage } from "./usage.ts";

/** How long blocks may be awaited, in emulated milliseconds as all that follows. */
const WAITING_TIMEOUT_MS = 300_000;
const HANDSHAKES = 15;
const HANDSHAKE_RETRY_MS = 1000;

/** Rooms as a decode engine knows them: it keeps blocks free, tells the prefill engine, and waits. */
export class DecodeSide {
  readonly #side: EngineSide;
  readonly #rooms = new Map<string, Room>();

  constructor(side: EngineSide) {
    this.#side = side;
  }

  /** A request is in the room. */
  isTaken(room: string): boolean {
    return this.#rooms.has(room);
  }

  take({ ask }: EngineRequest, meetings: readonly Meeting[]): Taken {
    const { settings } = this.#side;
    const told = ask.choices.map(() => 0);
    return {
      leg: "decode",
      opens: "first-token",
      order: () => ({ awaitsPull: true, isPrivate: settings().keepsDecodePrefix !== true }),
      // What prefill told of its cache, and once more what this engine found itself.
      usage: (run) => {
        const firsts = told.filter((_, choice) => ask.choices[choice]?.isFirst);
        const cached = firsts.reduce((sum, tokens) => sum + tokens, run.cachedTokens);
        return sglangUsage(run, cached, settings());
      },
      failureFrames: sglangFailureFrames,
      hooks: {
        open: (run) =>
          meetings.forEach((meeting, choice) => {
            const prefill = engineMetAt(meeting.host, meeting.port, this.#side.config);
            const room = { run, choice, meeting, prefill, told, stop: () => {} };
            this.#rooms.set(meeting.room, room);
          }),
        started: (choice) => void this.#register(meetings[choice]?.room ?? "", 1),
        pulled: (choice) => this.#took(meetings[choice]?.room ?? ""),
        over: (status) => meetings.forEach(({ room }) => this.#leave(room, status === "died")),
      },
    };
  }

  meet(message: ToDecode, from: string): boolean {
    if (message.kind === "blocks") return this.#resume(message, from);
    const isAwaited = this.#rooms.has(message.room);
    if (message.kind === "prefill-ended") this.#fail(message.room, "Decode transfer", ABORTED);
    return isAwaited;
  }

  /** Tells the prefill engine where the blocks are to go; what happens at its end shows in heartbeats. */
  async #register(name: string, attempt: number): Promise<void> {
    const room = this.#rooms.get(name);
    if (!room) return;
    const { clock } = this.#side;
    const registered = await this.#ask(room, { kind: "register", room: name });
    if (this.#rooms.get(name) !== room) return this.#letGo(room);
    const addr = `${room.meeting.host}:${room.meeting.port}`;
    if (!registered) {
      const reason = `Could not fetch prefill parallel info from bootstrap_addr: ${addr}`;
      if (attempt === HANDSHAKES) return this.#fail(name, "Decode handshake", reason);
      room.stop = clock.after(HANDSHAKE_RETRY_MS, () => void this.#register(name, attempt + 1));
      return;
    }
    const late = `Request ${name} timed out after 300.0s in KVPoll.WaitingForInput`;
    const stopWaiting = clock.after(WAITING_TIMEOUT_MS, () =>
      this.#fail(name, "Decode transfer", late),
    );
    const lost = `Lost connection with prefill instance (bootstrap_addr: ${addr})`;
    const stopBeating = heartbeat(
      clock,
      async () => (await this.#ask(room, { kind: "alive" }))?.engineId === registered.engineId,
      () => this.#fail(name, "Decode transfer", lost),
    );
    room.stop = () => {
      stopWaiting();
      stopBeating();
    };
  }

  async #ask({ prefill }: Room, message: ToPrefill): Promise<Registered | undefined> {
    if (prefill === undefined) return undefined;
    // A prefill engine of this emulator answers with nothing but this.
    const answer = await this.#side.meet(prefill, message).catch(() => undefined);
    return answer as Registered | undefined;
  }

  #resume(message: ToDecode & { readonly kind: "blocks" }, from: string): boolean {
    const room = this.#rooms.get(message.room);
    if (!room) return false;
    const { engine, clock, linkFrom } = this.#side;
    const link = linkFrom(from);
    room.told[room.choice] = message.cachedTokens;
    const pull = link && { held: message.held, link, bringsFirstToken: true };
    const isResumed = pull && engine.resume(room.run.id(room.choice), pull, clock.now());
    clock.catchUp();
    if (!isResumed) this.#fail(message.room, "Decode transfer", "Failed to get kvcache");
    return isResumed === true;
  }

  #took(name: string): void {
    const room = this.#rooms.get(name);
    if (!room) return;
    this.#rooms.delete(name);
    room.stop();
    this.#tell(room, { kind: "taken", room: name });
  }

  #fail(name: string, stage: Stage, reason: string): void {
    const room = this.#rooms.get(name);
    room?.run.fail(transferFailed(stage, name, room.run.id(room.choice), reason));
  }

  #leave(name: string, isDead: boolean): void {
    const room = this.#rooms.get(name);
    if (!room) return;
    this.#rooms.delete(name);
    room.stop();
    if (!isDead) this.#letGo(room);
  }

  #letGo(room: Room): void {
    this.#tell(room, { kind: "decode-ended", room: room.meeting.room });
  }

  #tell({ prefill }: Room, message: ToPrefill): void {
    if (prefill !== undefined) this.#side.later(this.#side.meet(prefill, message));
  }
}

const ABORTED = "Aborted by AbortReq.";

type Room = {
  readonly run: Run;
  readonly choice: number;
  readonly meeting: Meeting;
  readonly prefill: string | undefined;
  /** Cached tokens of each choice as prefill told them. */
  readonly told: number[];
  /** Ends timers. */
  stop: () => void;
};
