import type { RequestTraits } from "./request-traits.ts";

/** A chat completion request: what routing reads of it, and the client's own bytes. */
export type ChatRequest = {
  readonly bytes: Uint8Array;
  readonly model: string;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  readonly messages: readonly unknown[];
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
  readonly traits: RequestTraits;
};
