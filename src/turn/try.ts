import type { Placement } from "../core/plan/placement.ts";
import type { LegFailure } from "../region/service.ts";
import type { LegRun } from "./legs.ts";

/** One try at a turn. */
export type Try = {
  readonly placement: Placement;
  /** The same on both legs; differs between tries. */
  readonly requestId: string;
  /** Engines that have already failed this request. */
  readonly avoid: readonly string[];
  /** Everything that runs is added here, whatever becomes of it. */
  readonly runs: LegRun[];
  readonly firstTokenTimeoutMs: number;
  /** When a later start makes the next placement the better one, epoch ms. */
  readonly startBy: number;
  /** Whether the mode is decided again once the engine that decodes has answered: where it could still be another. */
  readonly isOpen: boolean;
  /** That decision. */
  readonly decide: (placement: Placement, decode: LegRun) => Placement;
};

/** What came of one placement: an answer that has begun, or why there is none and on which engine. */
export type Attempt =
  | {
      readonly ok: true;
      readonly placement: Placement;
      /** The engine that decodes, asked first, turned out to be the better place for both phases, or too busy for both. */
      readonly redecided?: boolean;
      readonly prefill?: LegRun;
      /** When the prefill leg is over, where it may outlast the beginning of the answer. */
      readonly prefilled?: Promise<unknown>;
      readonly answer: LegRun;
      readonly contentType: string;
      readonly body: ReadableStream<Uint8Array>;
    }
  | {
      readonly ok: false;
      readonly failure: LegFailure;
      /** Engines that failed; none when a pool had none to give. */
      readonly engines: readonly string[];
      /** Engines of which one failed, or what lies between them; those are asked again only when nobody else is left. */
      readonly suspects?: readonly string[];
    };

/** The granted legs of one split request. */
export type SplitRuns = { readonly prefill: LegRun; readonly decode: LegRun };
