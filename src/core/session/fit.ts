import { decodeChain, encodeChain, linksOf } from "./chain.ts";
import type { Branch, SessionState } from "./state.ts";

/** Bytes of JSON a snapshot may take. */
export const maxSnapshotBytes = 64 * 1024;

/** The session cut to `maxBytes` of JSON: oldest branches go first, then holdings, then the ends of chains. */
export function fitSnapshot(state: SessionState, maxBytes = maxSnapshotBytes): SessionState {
  let fitted = state;
  while (sizeOf(fitted) > maxBytes) {
    const smaller = shrink(fitted);
    if (smaller === fitted) break;
    fitted = smaller;
  }
  return fitted;
}

/** Bytes of the session's JSON. */
export function sizeOf(state: SessionState): number {
  return new TextEncoder().encode(JSON.stringify(state)).length;
}

function shrink(state: SessionState): SessionState {
  const [only] = state.branches;
  if (state.branches.length > 1) {
    const oldest = state.branches.reduce((one, other) => (other.lastAt < one.lastAt ? other : one));
    return { ...state, branches: state.branches.filter((branch) => branch !== oldest) };
  }
  if (only?.kept) {
    const { kept: _dropped, ...rest } = only;
    return { ...state, branches: [rest] };
  }
  if (state.settled.length > 4) return { ...state, settled: state.settled.slice(-4) };
  if (only && only.holdings.length > 1) {
    return { ...state, branches: [{ ...only, holdings: only.holdings.slice(0, -1) }] };
  }
  if (only && only.chain !== "") return { ...state, branches: [halved(only)] };
  if (state.branches.length > 0) return { ...state, branches: [] };
  return state.settled.length > 0 ? { ...state, settled: [] } : state;
}

function halved(branch: Branch): Branch {
  const chain = decodeChain(branch.chain);
  const half = Math.floor(linksOf(chain) / 2) * 8;
  return { ...branch, chain: encodeChain(chain.subarray(0, half)) };
}
