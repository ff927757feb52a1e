import type { Work } from "../core/receipt.ts";
import type { LegRun } from "./legs.ts";

/**
 * What a leg had encoded elsewhere, one entry for each engine that it was named. Nobody tells whether it asked them:
 * that they served is assumed of a leg that has answered.
 */
export function encodeWorkOf(run: LegRun): Work[] {
  const { encoders = [], requestId, startedAt } = run;
  const endedAt = run.firstTokenAt ?? run.endedAt ?? startedAt;
  const common = { leg: "encode", requestId, startedAt, endedAt } as const;
  const came = cameOut(run, encoders.length);
  return encoders.map((engine) => ({ engine, ...common, ...came }));
}

function cameOut(run: LegRun, count: number): Pick<Work, "outcome" | "why" | "known"> {
  const known = "assumed";
  if (run.isUnencoded && count === 1) return { outcome: "failed", why: FAILED };
  if (run.isUnencoded) return { outcome: "failed", why: ONE_FAILED, known };
  const hasAnswered = run.outcome === "served" || run.firstTokenAt !== undefined;
  return hasAnswered ? { outcome: "served", known } : { outcome: "cancelled", why: UNUSED, known };
}

const FAILED = "the engine that it should encode for said that this failed";
const ONE_FAILED = "it, or another that was to encode for the same leg, failed";
const UNUSED = "the leg that it should encode for gave no answer";
