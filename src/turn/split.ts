import type { LegOrder } from "../region/service.ts";
import type { TurnDeps } from "./deps.ts";
import type { Prepared } from "./prepare.ts";
import type { SplitRuns, Try } from "./try.ts";

/** What both engines of a split are told of each other, under a fresh name. */
export function splitOf(deps: TurnDeps, runs: SplitRuns): NonNullable<LegOrder["split"]> {
  return {
    prefill: runs.prefill.grant.engine,
    decode: runs.decode.grant.engine,
    rendezvous: String(1 + Math.floor(deps.random() * (Number.MAX_SAFE_INTEGER - 1))),
  };
}

/** The handle by which a prefill leg fetches the conversation, where that was planned. */
export function keptFor(turn: Prepared, { placement }: Try): Pick<LegOrder, "kept"> {
  const raw = turn.session.opened?.kept?.raw;
  const isPlanned = placement.prefill?.fetchedTokens !== undefined;
  return isPlanned && raw !== undefined ? { kept: raw } : {};
}

/** The placement of a split whose prefill engine had said everything by itself. */
export function prefillAlone({ placement }: Try): Try["placement"] {
  const { prefill, ...rest } = placement;
  return { ...rest, mode: "together", decode: prefill ?? rest.decode, kvBytes: 0 };
}
