import type { Link } from "../core/fleet.ts";
import type { BlockCache, BlockContent } from "./blocks.ts";
import { BLOCK_TOKENS, extend, heldOf, type BlockHash, type Held } from "./hash.ts";
import { cutTo, type Output } from "./text.ts";

/** A request as an engine's scheduler takes it. */
export type SimRequest = {
  readonly id: string;
  readonly tokens: readonly number[];
  /** What will be said, given the KV cache held when generation begins. */
  readonly output: (held: Held) => Output;
  /** Parts the cache: what was computed under another salt is not found, though it be the same text. */
  readonly salt?: string;
  /** When finished, keep blocks under this handle: those of the prompt, or of all there is. */
  readonly leaseAs?: string;
  readonly leases?: "prompt" | "whole";
  /** For how long nobody may come for them; `LEASE_MS` unless told. */
  readonly leaseMs?: number;
  /** Blocks to fetch from another engine instead of computing them. */
  readonly pull?: Pull;
  /** Once let in it has its blocks but does nothing until `SimEngine.resume` tells what to fetch. */
  readonly awaitsPull?: boolean;
  /** Tokens that it finds in the prefix cache at most; all of them unless told. */
  readonly findsTokens?: number;
  /** Neither finds nor leaves anything in the prefix cache. */
  readonly isPrivate?: boolean;
};

export type Pull = {
  readonly held: Held;
  /** Leading tokens of `held` to be had, where that is not all of the prompt: the rest of it is computed. */
  readonly tokens?: number;
  readonly link: Pick<Link, "gbps" | "perFlowGbps" | "rttMs">;
  /** The first token comes with the blocks: nothing is computed for it. */
  readonly bringsFirstToken?: boolean;
};

/** What became of a request's tokens. */
export type Counts = {
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly computedTokens: number;
  readonly pulledTokens: number;
  readonly outputTokens: number;
};

/** A request inside the engine. */
export class Sequence {
  request: SimRequest;
  output: Output;
  /** The prompt whose KV cache it runs on: a handle's, when it has one. */
  prompt: Held;
  /** Prompt and output, less the last token, whose KV cache is never needed. */
  whole: Held;
  readonly size: number;
  /** Blocks it needs from beginning to end. */
  readonly blocks: number;
  phase: "waiting" | "loading" | "prefill" | "decode" = "waiting";
  readyAt = 0;
  cachedTokens = 0;
  pulledTokens = 0;
  /** Where computing began, and how many tokens have their KV cache by now. */
  startedAt = 0;
  done = 0;
  emitted = 0;
  named = 0;

  constructor(request: SimRequest) {
    this.request = request;
    this.prompt = promptOf(request);
    this.size = tokensOf(this.prompt);
    this.output = request.output(this.prompt);
    this.whole = extend(this.prompt, this.output.tokens.slice(0, -1));
    this.blocks = Math.ceil((this.size + this.output.tokens.length) / BLOCK_TOKENS);
  }

  /** Runs on what it is to fetch from now on, if anything; false, and nothing changed, when that is of another size. */
  resume(pull: Pull | undefined): boolean {
    if (!pull) return true;
    const request = { ...this.request, pull };
    const prompt = promptOf(request);
    if (tokensOf(prompt) !== this.size) return false;
    this.request = request;
    this.prompt = prompt;
    // Other content may have more to say than there is room for.
    const room = this.blocks * BLOCK_TOKENS - this.size;
    this.output = cutTo(this.request.output(prompt), room);
    this.whole = extend(this.prompt, this.output.tokens.slice(0, -1));
    return true;
  }

  /** Gives names to the blocks that are full by now. */
  fill(cache: BlockCache): void {
    if (this.request.isPrivate) return;
    const full = Math.floor(this.done / BLOCK_TOKENS);
    for (; this.named < full; this.named++) {
      const hash = this.whole.blocks[this.named];
      const at = this.named;
      if (hash !== undefined) cache.name(this.#named(hash), () => this.#contentAt(at));
    }
  }

  #contentAt(index: number): BlockContent {
    const parent = this.whole.blocks[index - 1];
    const { tokens: asked } = this.request;
    const from = index * BLOCK_TOKENS;
    const to = from + BLOCK_TOKENS;
    const said = this.output.tokens.slice(
      Math.max(0, from - asked.length),
      Math.max(0, to - asked.length),
    );
    const tokens = [...asked.slice(from, to), ...said];
    return { parent: parent === undefined ? undefined : this.#named(parent), tokens };
  }

  leave(cache: BlockCache): void {
    if (this.phase === "waiting") return;
    const named = this.whole.blocks.slice(0, this.named).map((hash) => this.#named(hash));
    cache.release(named, this.blocks - this.named);
  }

  /** Blocks of its prompt that it may find: one token at least is always computed. */
  get findable(): number {
    const tokens = Math.min(this.size - 1, this.request.findsTokens ?? Infinity);
    return Math.floor(tokens / BLOCK_TOKENS);
  }

  /** Full blocks of `held` as the cache knows them. */
  namesOf(held: Held): BlockHash[] {
    if (this.request.isPrivate) return [];
    return held.blocks.map((hash) => this.#named(hash));
  }

  #named(hash: BlockHash): BlockHash {
    const { salt = "" } = this.request;
    return salt + hash;
  }

  counts(): Counts {
    const computed = Math.min(this.done, this.size) - this.startedAt;
    return {
      promptTokens: this.request.tokens.length,
      cachedTokens: this.cachedTokens,
      computedTokens: this.phase === "waiting" ? 0 : Math.max(0, computed),
      pulledTokens: this.pulledTokens,
      outputTokens: this.emitted,
    };
  }
}

/** What the KV cache is of: what is fetched as it is there, and behind it what the request says. */
function promptOf({ tokens, pull }: SimRequest): Held {
  if (!pull) return heldOf(tokens);
  if (pull.tokens === undefined) return pull.held;
  const { blocks, tail } = pull.held;
  const full = blocks.slice(0, Math.floor(pull.tokens / BLOCK_TOKENS));
  const size = full.length * BLOCK_TOKENS;
  const rest = full.length === blocks.length ? tail.slice(0, pull.tokens - size) : [];
  return extend({ blocks: full, tail: rest }, tokens.slice(size + rest.length));
}

function tokensOf(held: Held): number {
  return held.blocks.length * BLOCK_TOKENS + held.tail.length;
}
