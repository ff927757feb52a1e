import type { Conversation } from "../traces/conversation.ts";

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
  readonly emulator?: { readonly url: string; readonly token: string };
};

export type DriveIo = {
  readonly fetch: (url: string, init?: DriveRequest) => Promise<Response>;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
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
