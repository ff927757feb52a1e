import type { Held } from "../../../../src/sim/hash.ts";
import type { EngineSide } from "../dialect.ts";
import type { BlocksAnswer, ToDecode, ToPrefill } from "./messages.ts";

/** Transfers as a prefill engine knows them: it writes a prompt's blocks once they are computed and it knows whereto. */
export class Outgoing {
  readonly #side: EngineSide;
  readonly #waitMs: number;
  readonly #asked = new Map<string, Asked>();

  /** A decode engine is told that nothing will come after `waitMs` of the engine's time. */
  constructor(side: EngineSide, waitMs: number) {
    this.#side = side;
    this.#waitMs = waitMs;
  }

  /** The blocks of a transfer are computed, and leased under its name. */
  computed(transfer: string): void {
    const asked = this.#asked.get(transfer);
    if (!asked) return;
    // Who registered in the moment that they were done was sent them already.
    if (asked.state === "registered" && asked.held) return;
    asked.stop();
    if (asked.state === "gone") this.#end(transfer);
    else this.#pin(transfer, asked);
    if (asked.state === "registered") this.#send(transfer, asked);
  }

  meet({ kind, transfer, id }: ToPrefill, from: string): void {
    const asked = this.#asked.get(transfer);
    if (kind === "coming" || kind === "register") {
      asked?.stop();
      const state = kind === "coming" ? "queued" : "registered";
      const next: Asked = { ...asked, decode: from, id, state, stop: () => {} };
      this.#asked.set(transfer, next);
      this.#pin(transfer, next);
      if (kind === "register") this.#send(transfer, next);
      return;
    }
    if (asked && asked.id !== id) return;
    asked?.stop();
    if (kind === "lost") this.#leave(transfer, asked);
    else if (kind === "taken") this.#end(transfer);
    else this.#letGo(transfer, asked ?? { decode: from, id, state: "gone", stop: () => {} });
  }

  /** Blocks are freed, now or when they are there; those of a request that was still queued expire. */
  #letGo(transfer: string, asked: Asked): void {
    this.#pin(transfer, asked);
    if (asked.held) return this.#end(transfer);
    this.#asked.delete(transfer);
    if (asked.state === "queued") return;
    const stop = this.#side.clock.after(this.#waitMs, () => this.#asked.delete(transfer));
    this.#asked.set(transfer, { ...asked, state: "gone", stop });
  }

  /** Keeps blocks that are there from expiring. */
  #pin(transfer: string, asked: Asked): void {
    const { engine, clock } = this.#side;
    asked.held ??= engine.openLease(transfer, () => true, clock.now());
  }

  #send(transfer: string, asked: Asked): void {
    const { clock, meet, later } = this.#side;
    const { decode, id, held } = asked;
    const tell = (message: ToDecode): Promise<unknown> => meet(decode, message);
    if (!held) {
      asked.stop = clock.after(this.#waitMs, () => {
        this.#asked.delete(transfer);
        later(tell({ kind: "failed", id }));
      });
      return;
    }
    asked.stop();
    const answered = (answer: unknown): void => {
      if (this.#asked.get(transfer) !== asked) return;
      const outcome = answer as BlocksAnswer | undefined;
      if (outcome === undefined) this.#end(transfer);
      else if (outcome === "not-loading") this.#leave(transfer, asked);
    };
    void tell({ kind: "blocks", id, held }).then(answered, () => answered("not-loading"));
  }

  /** Nobody fetches the blocks for now: they stay as long as they would have. */
  #leave(transfer: string, asked: Asked | undefined): void {
    const { engine, clock } = this.#side;
    this.#asked.delete(transfer);
    if (asked?.held) engine.leaveLease(transfer, clock.now());
    clock.catchUp();
  }

  #end(transfer: string): void {
    const { engine, clock } = this.#side;
    this.#asked.delete(transfer);
    engine.closeLease(transfer, clock.now());
    clock.catchUp();
  }
}

type Asked = {
  readonly decode: string;
  readonly id: string;
  readonly state: "queued" | "registered" | "gone";
  held?: Held | undefined;
  /** Ends the timer. */
  stop: () => void;
};
