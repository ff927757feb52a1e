import { BLOCK_TOKENS, heldOf } from "../../../../src/sim/hash.ts";
import { transferMs } from "../../../../src/core/speed.ts";
import type { EngineAsk } from "../../ask.ts";
import type { StoreMessage } from "../../block-store.ts";
import type { EngineSide, PullLink } from "../dialect.ts";

/** The store of an engine as its connector sees it; one that is not there, or does not answer, holds nothing. */
export class SharedStore {
  readonly #side: EngineSide;

  constructor(side: EngineSide) {
    this.#side = side;
  }

  /** What it takes to load from it. */
  get link(): PullLink {
    const { gbps = 0 } = this.#side.config.store ?? {};
    return { gbps, perFlowGbps: gbps, rttMs: 0 };
  }

  /** Leading prompt tokens that it holds, all but the last at most. */
  async tokensOf(ask: EngineAsk, choice: number): Promise<number> {
    const prompt = ask.choices[choice]?.tokens ?? [];
    const blocks = await this.#say("find", ask, prompt);
    return Math.max(0, Math.min(blocks * BLOCK_TOKENS, prompt.length - 1));
  }

  /** Writes what it lacks of a prompt; resolves when that is there. */
  async write(ask: EngineAsk, choice: number): Promise<void> {
    const prompt = ask.choices[choice]?.tokens ?? [];
    const { config, clock } = this.#side;
    if (!config.store) return;
    const there = await this.#say("find", ask, prompt);
    const lacking = Math.floor(prompt.length / BLOCK_TOKENS) - there;
    if (lacking <= 0) return;
    const ms = transferMs(this.link, lacking * this.#blockBytes);
    await new Promise<void>((resolve) => clock.after(ms, resolve));
    await this.#say("put", ask, prompt);
  }

  async #say(
    kind: StoreMessage["kind"],
    { cacheSalt }: EngineAsk,
    prompt: readonly number[],
  ): Promise<number> {
    const { config, meet } = this.#side;
    const { pool, model, store } = config;
    if (!store) return 0;
    const space = `${pool.kvLayout ?? pool.id}/${model.id}/${cacheSalt}`;
    const hashes = heldOf(prompt).blocks;
    const message: StoreMessage = { kind, space, hashes, blockBytes: this.#blockBytes };
    return Number((await meet(store.name, message).catch(() => 0)) ?? 0);
  }

  get #blockBytes(): number {
    return this.#side.config.model.kvBytesPerToken * BLOCK_TOKENS;
  }
}
