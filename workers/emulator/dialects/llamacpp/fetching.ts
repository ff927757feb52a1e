import { BLOCK_TOKENS, heldOf, type Held } from "../../../../src/sim/hash.ts";
import type { Counts } from "../../../../src/sim/sequence.ts";
import type { Run } from "../../run.ts";
import type { EngineRequest, EngineSide, LegHooks } from "../dialect.ts";
import type { Named } from "./params.ts";
import { fingerprint, leaveState, openState } from "./states.ts";

/** One request's state from elsewhere: asked for once its request is let in, and computed where it cannot be had. */
export class Fetching {
  readonly #named: Named;
  readonly #request: EngineRequest;
  readonly #side: EngineSide;
  #run: Run | undefined;
  #isOpen = false;
  #beganAt = 0;
  #tokens = 0;
  #told: Told = { failed: "its request ended before" };

  constructor(named: Named, request: EngineRequest, side: EngineSide) {
    this.#named = named;
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
    const link = linkFrom(this.#named.engine) ?? linkTo(this.#named.engine);
    const held = await this.#open();
    const common = held ? commonTokens(held, this.#request.ask.choices[0]?.tokens ?? []) : 0;
    if (held) this.#told = { tokens: common, bytes: 0, ms: clock.now() - this.#beganAt };
    this.#tokens = Math.min(common, promptTokens - 1) - cachedTokens;
    const pull = held && link && this.#tokens > 0 ? { held, link, tokens: common } : undefined;
    if (!engine.resume(run.id(0), pull, clock.now()) || !pull) this.#leave();
    clock.catchUp();
  }

  async #open(): Promise<Held | undefined> {
    const named = this.#named;
    if (named.model !== fingerprint(this.#side)) {
      this.#told = { failed: "the state is of another model or build" };
      return undefined;
    }
    if (this.#request.isLoadFailing) {
      this.#told = { failed: "the state broke off" };
      return undefined;
    }
    const held = await openState(named, this.#request.ask.cacheSalt, this.#side);
    this.#isOpen = held !== undefined;
    if (!held) this.#told = { failed: "the state is not there" };
    return held;
  }

  #fetched(): void {
    const { clock, config } = this.#side;
    const bytes = this.#tokens * config.model.kvBytesPerToken;
    this.#told = { tokens: this.#tokens, bytes, ms: clock.now() - this.#beganAt };
    this.#leave();
  }

  #leave(): void {
    if (this.#isOpen) leaveState(this.#named, this.#request.ask.cacheSalt, this.#side);
    this.#isOpen = false;
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
