import { cutTo } from "../../../../src/sim/text.ts";
import type { Run } from "../../run.ts";
import type { EngineRequest, EngineSide, Taken } from "../dialect.ts";
import { sglangFailureFrames, transferFailed, type Stage } from "./errors.ts";
import { heartbeat } from "./heartbeat.ts";
import type { Meeting } from "./meeting.ts";
import type { ToDecode, ToPrefill } from "./messages.ts";
import { dpRankOf, rankSalt } from "../ranks.ts";
import { sglangUsage } from "./usage.ts";

/** How long a request waits for its decode engine, in emulated milliseconds. */
const BOOTSTRAP_TIMEOUT_MS = 300_000;

/** Rooms as a prefill engine knows them: it computes once a decode engine is there, and ends once that has the blocks. */
export class PrefillSide {
  readonly #side: EngineSide;
  readonly #rooms = new Map<string, Room>();

  constructor(side: EngineSide) {
    this.#side = side;
  }

  /** A request is in the room. */
  isTaken(room: string): boolean {
    return this.#rooms.get(room)?.leg !== undefined;
  }

  take({ ask }: EngineRequest, meetings: readonly Meeting[]): Taken {
    const roomOf = (choice: number): string => meetings[choice]?.room ?? "";
    return {
      leg: "prefill",
      isHeld: true,
      opens: "first-token",
      // What it says goes out when the blocks have.
      tellsAtEnd: true,
      order: (choice) => ({
        leaseAs: roomOf(choice),
        salt: rankSalt(ask.cacheSalt, dpRankOf(roomOf(choice), this.#side.config)),
        output: (held) => cutTo(ask.choices[choice]?.output(held) ?? NOTHING, 1),
      }),
      usage: (run) => sglangUsage(run, run.cachedTokens, this.#side.settings()),
      failureFrames: sglangFailureFrames,
      hooks: {
        open: (run) => meetings.forEach(({ room }, choice) => this.#enter(room, run, choice)),
        started: (choice, { cachedTokens }) => {
          const leg = this.#rooms.get(roomOf(choice))?.leg;
          if (leg) leg.cachedTokens = cachedTokens;
        },
        said: (choice) => this.#send(roomOf(choice)),
        over: (status) =>
          meetings.forEach(({ room }) => {
            const decode = this.#leave(room);
            if (status === "aborted" || status === "failed") this.#letGo(room, decode);
          }),
      },
    };
  }

  meet(message: ToPrefill, from: string): unknown {
    const { engine } = this.#side;
    if (message.kind === "alive") return { engineId: engine.engineId };
    const room = this.#rooms.get(message.room);
    if (message.kind === "register") {
      this.#rooms.set(message.room, { ...room, decode: from });
      room?.leg?.stop();
      room?.leg?.run.begin(room.leg.choice);
      return { engineId: engine.engineId };
    }
    if (message.kind === "taken") room?.leg?.taken.resolve();
    if (message.kind === "decode-ended") {
      if (room?.leg) this.#fail(message.room, "Prefill transfer", "Aborted by AbortReq.");
      else this.#rooms.delete(message.room);
    }
    return undefined;
  }

  #enter(room: string, run: Run, choice: number): void {
    const decode = this.#rooms.get(room)?.decode;
    const reason = `Request ${room} timed out after 300.0s in KVPoll.Bootstrapping`;
    const expire = (): void => this.#fail(room, "Prefill bootstrap", reason);
    const isAlone = decode === undefined;
    const stop = isAlone ? this.#side.clock.after(BOOTSTRAP_TIMEOUT_MS, expire) : () => {};
    const leg = { run, choice, stop, taken: Promise.withResolvers<void>(), cachedTokens: 0 };
    this.#rooms.set(room, { decode, leg });
    if (!isAlone) run.begin(choice);
  }

  /** Gives the decode engine the blocks; resolves when it has them. */
  #send(name: string): Promise<void> | undefined {
    const { engine, clock, meet } = this.#side;
    const { decode, leg } = this.#rooms.get(name) ?? {};
    const held = engine.openLease(name, () => true, clock.now());
    if (decode === undefined || !leg || !held) return undefined;
    const { cachedTokens } = leg;
    const reason = "Decode instance could be dead";
    const lost = (): void => this.#fail(name, "Prefill transfer", reason);
    const ask = (message: ToDecode): Promise<boolean> =>
      meet(decode, message).then(
        (isWanted) => isWanted === true,
        () => false,
      );
    void ask({ kind: "blocks", room: name, held, cachedTokens }).then((isWanted) => {
      if (!isWanted) lost();
    });
    leg.stop = heartbeat(clock, () => ask({ kind: "awaited", room: name }), lost);
    return leg.taken.promise;
  }

  #fail(room: string, stage: Stage, reason: string): void {
    const leg = this.#rooms.get(room)?.leg;
    leg?.run.fail(transferFailed(stage, room, leg.run.id(leg.choice), reason));
  }

  /** Frees the blocks; tells who waits in the room. */
  #leave(name: string): string | undefined {
    const room = this.#rooms.get(name);
    this.#rooms.delete(name);
    room?.leg?.stop();
    const { engine, clock } = this.#side;
    engine.closeLease(name, clock.now());
    clock.catchUp();
    return room?.decode;
  }

  #letGo(room: string, decode: string | undefined): void {
    if (decode === undefined) return;
    this.#side.later(this.#side.meet(decode, { kind: "prefill-ended", room } satisfies ToDecode));
  }
}

type Room = {
  /** The decode engine that waits in it. */
  readonly decode?: string | undefined;
  readonly leg?: Leg | undefined;
};

type Leg = {
  readonly run: Run;
  readonly choice: number;
  /** Ends timers. */
  stop: () => void;
  readonly taken: PromiseWithResolvers<void>;
  cachedTokens: number;
};

const NOTHING = { pieces: [""], tokens: [0], finish: "length" } as const;
