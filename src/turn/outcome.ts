import type { Kept } from "../core/session/state.ts";
import type { Receipt, Segment } from "../core/receipt.ts";
import type { LegFailure } from "../region/service.ts";
import type { ServedLegs } from "./cached-figure.ts";
import type { TurnDeps } from "./deps.ts";
import type { Placement } from "../core/plan/placement.ts";
import type { PlanInput } from "../core/plan/plan-input.ts";
import type { Prepared } from "./prepare.ts";
import type { Tried } from "./run-turn.ts";
import type { SequelRequest } from "./sequel-request.ts";
import type { Attempt } from "./try.ts";

/** What went on with an answer after its engine was lost in the middle. */
export type Sequel = {
  readonly served: Extract<Attempt, { ok: true }>;
  /** What its plan was made from. */
  readonly input: PlanInput;
  /** The engine that was lost. */
  readonly lost: string;
  readonly request: SequelRequest;
};

/** How a turn came out, before it is written down. */
export type Outcome = {
  readonly status: Receipt["status"];
  readonly error?: string;
  readonly tried: Tried;
  /** The placement that answered, when one did. */
  readonly served?: ServedLegs & {
    readonly placement: Placement;
    /** The engine that decodes, asked first, turned out to be the better place for both phases, or too busy for both. */
    readonly redecided?: boolean;
  };
  /** In order; absent where nothing went on. */
  readonly sequels?: readonly Sequel[];
  /** The client's prompt as its engines counted it, where the leg that answered first did not tell. */
  readonly promptTokens?: number;
  /** Output tokens that reached the client: the engine's count, else frames seen. */
  readonly outputTokens: number;
  readonly outputKnown: Segment["known"];
  /** Where the next turn's prefill may fetch this conversation. */
  readonly kept?: Kept;
  /** What its engine said of the KV cache that it keeps, as raw JSON text. */
  readonly handle?: string;
  readonly endedAt: number;
};

/** Why a turn has no answer. */
export type TurnFailure = LegFailure;

/** How a turn answers, in the caller's API's own shape. */
export type Renderer = {
  failure(failure: TurnFailure): Response;
  /** One frame of an event stream that tells of an error after headers were sent. */
  errorFrame(failure: TurnFailure): string;
};

/** The legs that answered, and those that went on with it. */
export function servedLegs({ served, sequels = [] }: Outcome): ServedLegs[] {
  return served === undefined ? [] : [served, ...sequels.map((sequel) => sequel.served)];
}

/** A turn that no placement answered, or that nobody waits for any more. */
export function failedOutcome(
  deps: TurnDeps,
  turn: Prepared,
  tried: Tried,
  failure: TurnFailure,
): Outcome {
  return {
    status: turn.signal.aborted ? "cancelled" : "failed",
    error: failure.message,
    tried,
    outputTokens: 0,
    outputKnown: "assumed",
    endedAt: deps.now(),
  };
}
