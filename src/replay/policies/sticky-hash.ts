import type { PolicyEntry, ReplayRequest } from "../policy.ts";
import { isUsable, leastOf, sendTo } from "./choose.ts";

/**
 * The engine its session hashes to, whatever the load; without a session the block after a preamble that all share.
 * `consistent_hash` of the vLLM router (`docs/load_balancing` @301790e7) and `session` of production-stack
 * (`routing_logic.py`), by rendezvous instead of a ring with virtual nodes: the same spread, and none moves but those
 * of an engine that leaves.
 */
export function stickyHash({
  skipTokens = 512,
  by = "session",
}: StickyHashParams = {}): PolicyEntry {
  return {
    name: "sticky-hash",
    instances: "edge",
    create: (setup) => ({
      route(request) {
        const skipped = Math.floor(skipTokens / setup.blockTokens);
        const key = keyOf(request, by === "session", skipped);
        return sendTo(
          leastOf(
            setup.fleet.engines,
            (one) => (isUsable(one, request) ? mix(key, one.engine) : Infinity),
            setup.random,
          ),
        );
      },
    }),
  };
}

export type StickyHashParams = {
  /** Prompt tokens at the beginning that tell conversations apart too badly to hash; 512 unless told. */
  readonly skipTokens?: number;
  /** `prefix` hashes the block even where there is a session. */
  readonly by?: "session" | "prefix";
};

/** Sessions, blocks and requests without either are counted apart. */
function keyOf({ session, blocks, index }: ReplayRequest, bySession: boolean, skipped: number) {
  if (bySession && session >= 0) return mix(session, 1);
  const block = blocks[Math.min(skipped, blocks.length - 1)];
  return block === undefined ? mix(index, 3) : mix(block, 2);
}

/** A well-mixed 32-bit number of two. */
function mix(a: number, b: number): number {
  let mixed = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b + 0x7f4a7c15, 0xc2b2ae35);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x7feb352d);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x846ca68b);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
