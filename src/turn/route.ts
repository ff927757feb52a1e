import type { Placement } from "../core/plan/placement.ts";
import type { ServedLegs } from "./cached-figure.ts";
import type { TurnDeps } from "./deps.ts";
import type { Prepared } from "./prepare.ts";

/** `phaseway-route`, a structured-field dictionary: the engines that ran, or those planned. */
export function routeOf(placement: Placement, runs: ServedLegs | undefined): string {
  const decode = runs?.answer.grant.engine ?? placement.decode.engine;
  if (runs?.answer.leg === "prefill") return `mode=${placement.mode}, prefill="${decode}"`;
  const prefill = runs?.prefill?.grant.engine ?? placement.prefill?.engine ?? decode;
  return `mode=${placement.mode}, prefill="${prefill}", decode="${decode}"`;
}

/** `server-timing`: milliseconds to the first token, of prefill, and predicted. */
export function timingOf(deps: TurnDeps, turn: Prepared, runs: ServedLegs | undefined): string {
  const entries = [`total;dur=${round(deps.now() - turn.startedAt)}`];
  const first = runs?.answer.firstTokenAt;
  if (first !== undefined) entries.push(`ttft;dur=${round(first - turn.startedAt)}`);
  const prefill = runs?.prefill;
  if (prefill?.endedAt !== undefined)
    entries.push(`prefill;dur=${round(prefill.endedAt - prefill.startedAt)}`);
  return entries.join(", ");
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
