import type { ChatMessage, Conversation } from "../traces/conversation.ts";

export type DriveOptions = {
  /** Ends in `/v1`, as OpenAI SDKs take it. */
  readonly baseUrl: string;
  readonly model: string;
  readonly apiKey: string;
  /** Conversations held at once. */
  readonly concurrency: number;
  readonly conversations: AsyncIterable<Conversation>;
  readonly noSessionKey?: boolean;
  /** Requests sent, at most. */
  readonly limit?: number;
  readonly reconcile?: boolean;
  /** Where the engines' ledgers are, for endpoints that do not tell. */
  readonly emulator?: Emulator;
  /** Sets faults of the emulated engines off during the run, chosen by this seed. */
  readonly faults?: number;
};

/** Where emulated engines are administered. */
export type Emulator = {
  readonly url: string;
  readonly token: string;
  /** Every engine of the mesh, where the endpoint tells. */
  readonly engines?: readonly { readonly id: string; readonly model: string }[];
};

/** A prompt as an engine caches it: hash-chained blocks of 16 tokens. */
export type PromptBlocks = { readonly hashes: readonly string[]; readonly tokens: number };

export type DriveIo = {
  readonly fetch: (url: string, init?: DriveRequest) => Promise<Response>;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** Cuts messages into the engines' blocks, with `answer` behind them when there is one; without it nothing is pooled. */
  readonly blocksOf?: (messages: readonly ChatMessage[], answer?: string) => PromptBlocks;
  readonly onProgress?: (progress: Progress) => void;
};

export type DriveRequest = {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
};

export type Progress = {
  readonly requests: number;
  readonly failed: number;
  readonly conversations: number;
  readonly running: number;
};
