import { decodeChain, linksOf } from "../core/session/chain.ts";
import type { Branch, SessionState, StoredKv } from "../core/session/state.ts";
import type { SessionView, StoredHolding } from "../rpc/session-messages.ts";

/** A session as its tenant may see it. */
export function viewOf(
  state: SessionState,
  id: string,
  turns: SessionView["recentTurns"],
): SessionView {
  return {
    object: "session",
    id,
    stats: state.stats,
    branches: state.branches.map((branch) => ({
      branch: branch.n,
      turns: branch.turns,
      links: linksOf(decodeChain(branch.chain)),
      residency: residencyOf(branch),
    })),
    recentTurns: turns,
  };
}

function residencyOf({ holdings, stored }: Branch): SessionView["branches"][number]["residency"] {
  const held = holdings.map(({ pin: _pin, ...holding }) => holding);
  return stored === undefined ? held : [...held, storedHolding(stored)];
}

function storedHolding({ tier, links, tokens, bytes, engine, at }: StoredKv): StoredHolding {
  return { tier, from: engine, links, tokens, bytes, known: "reported", at };
}
