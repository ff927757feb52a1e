import { decodeChain, linksOf } from "../core/session/chain.ts";
import type { Branch, SessionState, StoredKv } from "../core/session/state.ts";
import type { SessionView, StoredHolding } from "../rpc/session-messages.ts";

/** A session as its tenant sees it. */
export function viewOf(
  state: SessionState,
  id: string,
  expiresAt: number,
  recentTurns: SessionView["recentTurns"],
): SessionView {
  return {
    object: "session",
    id,
    model: state.model,
    expiresAt,
    stats: state.stats,
    branches: state.branches.map((branch) => ({
      branch: branch.n,
      turns: branch.turns,
      links: linksOf(decodeChain(branch.chain)),
      residency: residencyOf(branch),
    })),
    recentTurns,
  };
}

type Residency = SessionView["branches"][number]["residency"];

function residencyOf({ holdings, kept, stored }: Branch): Residency {
  const held = holdings.map(({ pin: _pin, ...holding }) => ({
    ...holding,
    ...(kept?.engine === holding.engine && { until: kept.until }),
  }));
  return stored === undefined ? held : [...held, storedHolding(stored)];
}

function storedHolding({ tier, links, tokens, bytes, engine, at }: StoredKv): StoredHolding {
  return { tier, from: engine, links, tokens, bytes, known: "reported", at };
}
