import { classify } from "../../core/labels.ts";
import type { GrantAsk } from "../../core/grant/grant.ts";
import type { Ask } from "../../core/plan/placement.ts";
import type { Labels, Model } from "../../core/fleet.ts";
import type { PolicySetup, ReplayRequest } from "../policy.ts";
import type { Residency } from "./residency.ts";

/** A request as `plan` and `grant` are asked about it. */
export type Asked = {
  readonly ask: Ask;
  readonly labels: Labels;
  readonly chain: Uint8Array;
  readonly linkTokens: Uint32Array;
  /** Engine id → prefix tokens its session believes it holds. */
  readonly held: GrantAsk["held"];
};

/** A link closes this often inside a message. */
const LINK_TOKENS = 512;
const BYTES_PER_TOKEN = 4;
const MOST_TURNS_AHEAD = 50;

/** Puts a request into the planner's words, as `turn/prepare.ts` does with a client's. */
export function askedOf(
  setup: PolicySetup,
  model: Model,
  request: ReplayRequest,
  residency: Residency,
): Asked {
  const { promptTokens, expectedOutputTokens } = request;
  const held = residency.of(request);
  const best = Math.min(promptTokens - 1, Math.max(0, ...Object.values(held)));
  return {
    ask: {
      model: model.id,
      promptTokens,
      expectedOutputTokens,
      bodyBytes: promptTokens * BYTES_PER_TOKEN,
      splittable: true,
      // A conversation that has lasted n turns is expected to last as many again.
      remainingTurns: Math.min(MOST_TURNS_AHEAD, request.turn + 1),
      tokensPerTurn: 500,
    },
    labels: classify({
      fleet: setup.mesh,
      model,
      promptTokens,
      uncachedTokens: promptTokens - best,
      expectedOutputTokens,
    }),
    ...chainOf(request, setup.blockTokens, residency.endsIn(request)),
    held,
  };
}

/** The prompt's blocks as a chain: 8 bytes a link, each named by the last block in it; `ends` close one as well. */
function chainOf(
  { blocks }: ReplayRequest,
  blockTokens: number,
  ends: readonly number[],
): Pick<Asked, "chain" | "linkTokens"> {
  const perLink = Math.max(1, Math.round(LINK_TOKENS / blockTokens));
  const closed: number[] = [];
  let at = 0;
  for (const end of [...ends, blocks.length]) {
    while (at < end) closed.push((at = Math.min(end, at + perLink)));
  }
  const keys = new Uint32Array(closed.length * 2);
  const linkTokens = new Uint32Array(closed.length);
  for (const [link, end] of closed.entries()) {
    const block = (blocks[end - 1] as number) + 1;
    // Where a link is 53 bits, ids must not lose any.
    keys[link * 2] = block & 0x1fffff;
    keys[link * 2 + 1] = block >>> 21;
    linkTokens[link] = end * blockTokens;
  }
  return { chain: new Uint8Array(keys.buffer), linkTokens };
}
