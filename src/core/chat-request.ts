import type { RequestTraits } from "./request-traits.ts";

/** A request as engines take it: what routing reads of it, and its bytes, which are the client's own where they can be. */
export type ChatRequest = {
  /** Where engines take it, below their URL. */
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly model: string;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  readonly messages: readonly unknown[];
  /** What is prompted without a chat template, in place of `messages`. */
  readonly prompts?: readonly PlainPrompt[];
  /** Vectors of `prompts` are asked for, which take no decode. */
  readonly embeds?: boolean;
  readonly tools?: unknown;
  /** Request members that change what the chat template renders. */
  readonly templateKnobs?: Readonly<Record<string, unknown>>;
  readonly user?: string;
  readonly promptCacheKey?: string;
  readonly conversation?: string;
  readonly metadataUserId?: string;
  readonly cacheSalt?: string;
  readonly serviceTier?: string;
  readonly maxTokens?: number;
  /** The caller marked a part of it as worth keeping in a cache: it means to come back. */
  readonly comesBack?: boolean;
  readonly traits: RequestTraits;
};

/** Text, or ids of tokens. */
export type PlainPrompt = string | readonly number[];
