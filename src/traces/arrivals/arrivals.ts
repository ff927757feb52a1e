import type { Random } from "../../core/random.ts";
import type { TraceSession } from "../requests/request.ts";
import { type Arrival, atRate, closedLoop, openLoop, userLoop } from "./loops.ts";
import { poissonStarts, spread, tracedStarts } from "./starts.ts";

/** When the requests of a trace arrive. Deterministic for equal chance. */
export function arrivals(
  sessions: AsyncIterable<TraceSession>,
  options: ArrivalOptions,
  random: Random,
): AsyncGenerator<Arrival> {
  const { starts, rate = 1 } = options;
  if (starts.kind === "users") return userLoop(sessions, starts.users, starts.rampMs);
  const traced =
    starts.kind === "poisson"
      ? poissonStarts(sessions, starts.perS, random)
      : tracedStarts(sessions);
  const started =
    starts.kind === "traced" && starts.spreadMs !== undefined
      ? spread(traced, starts.spreadMs)
      : traced;
  return atRate(options.turns === "traced" ? openLoop(started) : closedLoop(started), rate);
}

export type ArrivalOptions = {
  readonly starts:
    | {
        readonly kind: "traced";
        /** Requests of one time are spread over this long, ms; 3000 for Mooncake's traces. */
        readonly spreadMs?: number;
      }
    | { readonly kind: "poisson"; readonly perS: number }
    | { readonly kind: "users"; readonly users: number; readonly rampMs?: number };
  /** `think`: a turn waits for the answer before (closed loop); `traced`: it does not (open loop). */
  readonly turns: "think" | "traced";
  /** Multiplies the rate of arrivals; 1 unless told. Users are as many as they are. */
  readonly rate?: number;
};
