import type { Run } from "../../run.ts";
import type { EngineRequest, EngineSide, Taken } from "../dialect.ts";
import { LOAD_FAILED, loadFailureFrames, recomputes } from "./load-failure.ts";
import type { BlocksAnswer, ToDecode, ToPrefill } from "./messages.ts";
import { vllmUsage } from "./usage.ts";

/** Transfers as a decode engine knows them: it keeps blocks free for each, tells the prefill engine, and waits. */
export class Incoming {
  readonly #side: EngineSide;
  readonly #waitMs: number;
  readonly #open = new Map<string, Open>();

  /** A load fails that has not come `waitMs` of the engine's time after it was registered. */
  constructor(side: EngineSide, waitMs: number) {
    this.#side = side;
    this.#waitMs = waitMs;
  }

  take({ ask, isLoadFailing }: EngineRequest, origin: Origin): Taken {
    const id = crypto.randomUUID();
    let isLoaded = false;
    return {
      leg: "decode",
      order: (choice) => (choice === 0 ? { awaitsPull: true } : {}),
      // All that was written to it it claims as cached, less the last token.
      usage: (run) =>
        vllmUsage(run, isLoaded ? ask.promptTokens - 1 : run.cachedTokens, this.#side),
      failureFrames: loadFailureFrames,
      hooks: {
        open: (run) => {
          this.#open.set(id, { run, origin, isLoadFailing, stop: () => {} });
          if (origin.isKeptWhileQueued) void this.#tell(id, origin, "coming").catch(() => {});
        },
        started: (choice) => {
          if (choice === 0) void this.#register(id);
        },
        pulled: () => {
          isLoaded = true;
          this.#end(id, "taken");
        },
        over: (status) => this.#end(id, status === "died" ? "lost" : "gone"),
      },
    };
  }

  meet(message: ToDecode, from: string): BlocksAnswer | undefined {
    const open = this.#open.get(message.id);
    if (!open) return undefined;
    if (message.kind === "failed") {
      this.#fail(message.id);
      return undefined;
    }
    const { engine, clock, linkFrom } = this.#side;
    const link = open.isLoadFailing ? undefined : linkFrom(from);
    const pull = link && { held: message.held, link };
    if (!pull || !engine.resume(open.run.id(0), pull, clock.now())) {
      this.#fail(message.id);
      return "not-loading";
    }
    open.stop();
    clock.catchUp();
    return "loading";
  }

  async #register(id: string): Promise<void> {
    const open = this.#open.get(id);
    if (!open) return;
    const { origin } = open;
    open.stop = this.#side.clock.after(this.#waitMs, () => this.#fail(id));
    const isThere = await this.#tell(id, origin, "register").catch(() => false);
    if (isThere !== true && origin.whenSilent === "fails") this.#fail(id);
  }

  async #tell(id: string, origin: Origin, kind: ToPrefill["kind"]): Promise<unknown> {
    const engine = await origin.find();
    if (engine === undefined) {
      if (kind === "register") this.#fail(id);
      return undefined;
    }
    // It may have left meanwhile, and said so.
    if ((kind === "register" || kind === "coming") && !this.#open.has(id)) return true;
    const { engineId, transfer } = origin;
    return this.#side.meet(engine, { kind, engineId, transfer, id } satisfies ToPrefill);
  }

  /** The blocks will not come. */
  #fail(id: string): void {
    const open = this.#open.get(id);
    if (!open) return;
    const { engine, clock } = this.#side;
    this.#end(id, "lost");
    if (!recomputes(this.#side)) return open.run.fail(LOAD_FAILED);
    engine.resume(open.run.id(0), undefined, clock.now());
    clock.catchUp();
  }

  #end(id: string, kind: "taken" | "gone" | "lost"): void {
    const open = this.#open.get(id);
    if (!open) return;
    this.#open.delete(id);
    open.stop();
    this.#side.later(this.#tell(id, open.origin, kind));
  }
}

/** Where blocks come from. */
export type Origin = {
  readonly transfer: string;
  readonly engineId: string;
  /** The prefill engine's name; undefined when it cannot be found, or is another by now. */
  find(): Promise<string | undefined>;
  /** The prefill engine hears of the request as soon as it is there, and keeps blocks for it. */
  readonly isKeptWhileQueued: boolean;
  /** What becomes of a request whose registration nobody acknowledges. */
  readonly whenSilent: "fails" | "waits";
};

type Open = {
  readonly run: Run;
  readonly origin: Origin;
  readonly isLoadFailing: boolean;
  /** Ends the timer. */
  stop: () => void;
};
