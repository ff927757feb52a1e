import type { SimEngine } from "../../../src/sim/engine.ts";
import type { Counts, Pull, SimRequest } from "../../../src/sim/sequence.ts";
import type { Settings } from "../admin.ts";
import type { Api, EngineAsk } from "../ask.ts";
import type { Clock } from "../clock.ts";
import type { EngineConfig } from "../config.ts";
import type { Leg, Ledger } from "../ledger.ts";
import type { Problem } from "../problem.ts";
import type { Run } from "../run.ts";
import type { EngineUsage } from "../shapes.ts";

/** How an engine speaks: called at each start of its process, so what it keeps is lost in a restart. */
export type EmulatedDialect = (side: EngineSide) => Speech;

export type Speech = {
  /** Takes a completion, or refuses it. Whatever it waits for, the caller may leave meanwhile. */
  take(request: EngineRequest): Taken | Response | Promise<Taken | Response>;
  /** Answers another engine's object; what it gets and gives is plain JSON. */
  meet?(message: unknown, from: string): unknown;
  /** Paths of its own by `METHOD /path`; these win over the common ones. */
  readonly routes?: Readonly<Record<string, (request: Request) => Response | Promise<Response>>>;
  /** Other paths of its own, such as those that name a handle; undefined for one that is none. */
  serves?(request: Request, below: string): Promise<Response> | undefined;
  /** An error as this engine words it; OpenAI's shape when absent. */
  refuse?(problem: Problem): Response;
};

/** A completion whose body is well-formed and whose model is known. */
export type EngineRequest = {
  readonly api: Api;
  readonly headers: Headers;
  /** The body byte for byte, for numbers beyond 2^53. */
  readonly text: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly ask: EngineAsk;
  readonly signal: AbortSignal;
  /** A fault: no blocks reach it from elsewhere. */
  readonly isLoadFailing: boolean;
};

/** What of its engine a dialect may use. */
export type EngineSide = {
  readonly config: EngineConfig;
  readonly engine: SimEngine;
  readonly clock: Clock;
  readonly totals: Ledger["totals"];
  settings(): Settings;
  /** Runs a completion as if it had come over HTTP; rejects where a connection would fail. */
  complete(api: Api, request: Request): Promise<Response>;
  /** Asks another engine's object; rejects when there is none or it failed. */
  meet(engine: string, message: unknown): Promise<unknown>;
  /** Keeps the object alive until it has settled; a failure is nobody's business. */
  later(promise: Promise<unknown>): void;
  /** The link from another engine to this one; undefined when none leads here. */
  linkFrom(engine: string): PullLink | undefined;
  linkTo(engine: string): PullLink | undefined;
  /** The process dies of what it was asked, which the ledger counts, and starts anew. */
  crash(): void;
};

export type PullLink = Pull["link"];

/** A completion as it will be run and answered. */
export type Taken = {
  readonly leg: Leg;
  /** The request to run, where it is not the one that was read. */
  readonly ask?: EngineAsk;
  /** What the scheduler is told of one choice beside its tokens and output, or instead of these. */
  readonly order?: (choice: number) => Partial<Omit<SimRequest, "id">>;
  /** Choices are not run until `Run.begin`. */
  readonly isHeld?: boolean;
  /** When a stream's status and headers go out: at once, or only when there is something to say. */
  readonly opens?: "at-once" | "first-token";
  /** What the engine says it used, which is not always the truth. */
  readonly usage: (run: Run) => EngineUsage;
  /** Members added to the answer. */
  readonly members?: (run: Run) => Members;
  /** Sent with the status, and told by then. */
  readonly headers?: () => Readonly<Record<string, string>>;
  /** Why it stopped, where it does not say what OpenAI would. */
  readonly finish?: string;
  /** Nothing is streamed before all that is said can be. */
  readonly tellsAtEnd?: boolean;
  /** How a stream tells of a failure, its status being 200; without, it is refused before it opened and else cut. */
  readonly failureFrames?: (problem: Problem) => string | undefined;
  readonly hooks?: LegHooks;
};

/** Raw JSON text by name, so that any number passes digit for digit. */
export type Members = {
  /** At the top of a whole answer. */
  readonly answer?: Readonly<Record<string, string>>;
  /** In the first choice of a whole answer. */
  readonly choice?: Readonly<Record<string, string>>;
  /** At the top of the chunk that closes a stream's first choice. */
  readonly lastChunk?: Readonly<Record<string, string>>;
  /** At the top of the chunk that tells a stream's usage. */
  readonly usageChunk?: Readonly<Record<string, string>>;
};

/** What happens to a leg, told as it does. */
export type LegHooks = {
  /** It is in the ledger and about to run: `run` can be begun, resumed and failed. */
  open?(run: Run): void;
  /** The scheduler let a choice in: it has its blocks. */
  started?(choice: number, counts: Counts): void;
  /** A choice has all the blocks that it was to fetch. */
  pulled?(choice: number): void;
  /** A choice has the KV cache of its whole prompt. */
  prefilled?(choice: number): void;
  /** A choice has said all it will; it ends when the promise resolves. */
  said?(choice: number): Promise<void> | undefined;
  /** It has ended, once; `died` when its process did, which then can tell nobody. */
  over?(status: "done" | "aborted" | "failed" | "died"): void;
};
