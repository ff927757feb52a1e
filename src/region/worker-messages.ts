import type {
  NoAnswer,
  RegionClaimReply,
  RegionReserve,
  RegionReserveReply,
} from "../rpc/region-messages.ts";
import type { LegAnswer, LegOrder } from "./service.ts";

/** Messages between an edge and a region's own worker, packed over `fetch`. Additive changes only; see DESIGN §2. */
export const WORKER_MESSAGES_VERSION = 1;

/** Runs a leg: one that was granted, or whatever engine `reserve` gives as soon as it does. */
export type LegRequest = {
  readonly v: 1;
  readonly order: LegOrder;
  readonly reserve?: RegionReserve;
};

/**
 * What comes back, one after another: the answer to `reserve`, then those to claims of its place in the queue, then how
 * the leg began. The engine's own bytes follow an answer.
 */
export type LegFrame =
  | { readonly kind: "reserved"; readonly reply: RegionReserveReply }
  | { readonly kind: "claimed"; readonly reply: RegionClaimReply }
  | { readonly kind: "leg"; readonly answer: LegHead }
  | { readonly kind: "none"; readonly reply: NoAnswer };

/** A leg's answer, less the stream of its body. */
export type LegHead =
  | Exclude<LegAnswer, { readonly kind: "answering" }>
  | Omit<Extract<LegAnswer, { readonly kind: "answering" }>, "body">;
