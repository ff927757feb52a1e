import { packArrivals } from "../../../src/replay/pack.ts";
import type { Workload } from "../../../src/replay/workload.ts";
import { BLOCK_TOKENS, heldOf } from "../../../src/sim/hash.ts";

/** A request that can be sent to an engine, and the tokens that engine makes of it. */
export type Played = {
  readonly atMs: number;
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly tokens: readonly number[];
  readonly outputTokens: number;
};

/** The same requests for a replay, with the very blocks that the emulated engines make of them. */
export function playedWorkload(requests: readonly Played[]): Promise<Workload> {
  const numbers = new Map<string, number>();
  const numberOf = (hash: string): number => {
    const number = numbers.get(hash) ?? numbers.size;
    numbers.set(hash, number);
    return number;
  };
  const arrivals = requests.map(({ atMs, tokens, outputTokens }, i) => ({
    atMs,
    request: {
      session: String(i),
      turn: 0,
      offsetMs: 0,
      thinkMs: 0,
      promptTokens: tokens.length,
      outputTokens,
      blocks: heldOf(tokens).blocks.map(numberOf),
      blockTokens: BLOCK_TOKENS,
    },
    later: [],
  }));
  return packArrivals("played", arrivals, BLOCK_TOKENS);
}
