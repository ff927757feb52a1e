import { MAX_EDGE_BYTES } from "../kv-export/tiers.ts";
import type { Match } from "./branches.ts";
import type { Branch, SessionState, StoredKv } from "./state.ts";

/** The stored state that covers most of a request, cut to what both have in common. */
export function storedFor(matches: readonly Match[]): StoredKv | undefined {
  const cut = matches.flatMap(({ branch, common }) => cutStored(branch.stored, common) ?? []);
  return cut.toSorted((one, other) => other.tokens - one.tokens || other.at - one.at)[0];
}

/** As far as it reaches into the first `links` links; undefined where it does not. */
export function cutStored(stored: StoredKv | undefined, links: number): StoredKv | undefined {
  if (stored === undefined || links <= 0) return undefined;
  if (links >= stored.links) return stored;
  return { ...stored, links, tokens: Math.floor((stored.tokens * links) / stored.links) };
}

/**
 * The session with the KV cache of one of its branches stored, in place of what was stored of it before. Undefined when
 * the branch is gone, or something newer is stored of it. The oldest of other branches go where rows do not suffice.
 */
export function storeKv(
  state: SessionState,
  branch: number,
  kv: StoredKv,
): SessionState | undefined {
  const own = state.branches.find(({ n }) => n === branch);
  if (own === undefined || (own.stored !== undefined && own.stored.at > kv.at)) return undefined;
  const others = state.branches.filter((other) => other !== own);
  let room = MAX_EDGE_BYTES - (kv.tier === "edge" ? kv.bytes : 0);
  const kept = others
    .toSorted((one, other) => (other.stored?.at ?? 0) - (one.stored?.at ?? 0))
    .map((other): Branch => {
      if (other.stored?.tier !== "edge") return other;
      room -= other.stored.bytes;
      return room >= 0 ? other : withoutStored(other);
    });
  return { ...state, branches: [...kept, { ...own, stored: kv }] };
}

/** The session without a stored state of that id. */
export function dropStored(state: SessionState, id: string): SessionState {
  const branches = state.branches.map((branch) =>
    branch.stored?.id === id ? withoutStored(branch) : branch,
  );
  return { ...state, branches };
}

/** The states that a session keeps outside of engines. */
export function storedIn(state: SessionState): StoredKv[] {
  return state.branches.flatMap(({ stored }) => stored ?? []);
}

function withoutStored({ stored: _stored, ...branch }: Branch): Branch {
  return branch;
}
