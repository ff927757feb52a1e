import type { Speed } from "../core/speed.ts";
import type { Counts } from "./sequence.ts";
import type { Output, ToolCall } from "./text.ts";

export type SimOptions = {
  readonly engineId: string;
  readonly speed: Speed;
  readonly kvBytesPerToken: number;
  readonly kvTokens: number;
  /** Fastest first: the first holds the KV cache, the others what is evicted from it. */
  readonly tiers: readonly { readonly bytes: number; readonly bytesPerS: number }[];
  readonly maxBatch: number;
  /** Prompt tokens computed in one iteration at most. */
  readonly chunkTokens?: number;
};

/** Gauges, as the engine's own metrics would show them. */
export type SimLoad = {
  readonly running: number;
  readonly waiting: number;
  readonly blocks: number;
  readonly blocksHeld: number;
  readonly leasedBlocks: number;
  /** Of those, what somebody is fetching or has announced to. */
  readonly fetchedBlocks: number;
  /** Time in iterations so far, all of the running one included, ms. */
  readonly busyMs: number;
};

/** What can happen to a request. */
export type Happening = { readonly id: string } & (
  | { readonly kind: "started" | "prefilled" | "aborted"; readonly counts: Counts }
  | { readonly kind: "pulled" }
  | {
      readonly kind: "first-token" | "token";
      readonly index: number;
      readonly text: string;
      /** The call that `text` is a piece of the arguments of. */
      readonly toolCall?: ToolCall | undefined;
    }
  | { readonly kind: "done"; readonly counts: Counts; readonly output: Output }
  | {
      readonly kind: "failed";
      readonly reason: "too-long" | "restarted";
      readonly counts: Counts;
    }
);

/** Something that happened in an engine, `at` virtual milliseconds. */
export type SimEvent = Happening & { readonly at: number };
