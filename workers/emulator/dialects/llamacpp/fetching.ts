import { BLOCK_TOKENS, heldOf, type Held } from "../../../../src/sim/hash.ts";
import type { Counts } from "../../../../src/sim/sequence.ts";
import type { Run } from "../../run.ts";
import type { EngineRequest, EngineSide, LegHooks } from "../dialect.ts";
import type { Origin } from "./origins.ts";

/** One request's state from elsewhere: asked for once its request is let in, and computed where it cannot be had. */
export class Fetching {
  readonly #origin: Origin;
  readonly #request: EngineRequest;
  readonly #side: EngineSide;
  #run: Run | undefined;
  #beganAt = 0;
  #tokens = 0;
  #told: Told = { failed: "its request ended before" };

  constructor(origin: Origin, request: EngineRequest, side: EngineSide) {
    this.#origin = origin;
    this.#request = request;
    this.#side = side;
  }

  /** What the answer says came of it. */
  get told(): { readonly fetched: Told } {
    return { fetched: this.#told };
  }

  get hooks(): LegHooks {
    return {
      open: (run) => {
        this.#run = run;
      },
      started: (choice, counts) => {
        if (choice === 0) void this.#fetch(counts);
      },
      pulled: () => this.#fetched(),
      over: () => this.#leave(),
    };
  }

  async #fetch({ cachedTokens, promptTokens }: Counts): Promise<void> {
    const { engine, clock, linkFrom, linkTo } = this.#side;
    const run = this.#run;
    if (!run) return;
    this.#beganAt = clock.now();
    const link = linkFrom(this.#origin.engine) ?? linkTo(this.#origin.engine);
    const held = await this.#open();
    const common = held ? commonTokens(held, this.#request.ask.choices[0]?.tokens ?? []) : 0;
    if (held) this.#told = { tokens: common, bytes: 0, ms: clock.now() - this.#beganAt };
    this.#tokens = Math.min(common, promptTokens - 1) - cachedTokens;
    const pull = held && link && this.#tokens > 0 ? { held, link, tokens: common } : undefined;
    if (!engine.resume(run.id(0), pull, clock.now()) || !pull) this.#leave();
    clock.catchUp();
  }

  async #open(): Promise<Held | undefined> {
    const found = this.#request.isLoadFailing ? "the state broke off" : await this.#origin.open();
    if (typeof found !== "string") return found;
    this.#told = { failed: found };
    return undefined;
  }

  #fetched(): void {
    const { clock, config } = this.#side;
    const bytes = this.#tokens * config.model.kvBytesPerToken;
    this.#told = { tokens: this.#tokens, bytes, ms: clock.now() - this.#beganAt };
    this.#leave();
  }

  #leave(): void {
    this.#origin.leave();
  }
}

type Told =
  | { readonly tokens: number; readonly bytes: number; readonly ms: number }
  | { readonly failed: string };

/** Leading tokens that a state and a prompt have in common: only these are gone on from. */
function commonTokens(held: Held, tokens: readonly number[]): number {
  const { blocks } = heldOf(tokens);
  const differs = held.blocks.findIndex((hash, index) => blocks[index] !== hash);
  if (differs >= 0) return differs * BLOCK_TOKENS;
  const from = held.blocks.length * BLOCK_TOKENS;
  const ends = held.tail.findIndex((token, index) => tokens[from + index] !== token);
  return from + (ends >= 0 ? ends : held.tail.length);
}
