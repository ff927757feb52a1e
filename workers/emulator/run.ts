import type { SimEngine } from "../../src/sim/engine.ts";
import type { SimEvent } from "../../src/sim/events.ts";
import type { Counts, SimRequest } from "../../src/sim/sequence.ts";
import type { EngineAsk } from "./ask.ts";
import type { Clock } from "./clock.ts";
import type { Taken } from "./dialects/dialect.ts";
import type { Problem } from "./problem.ts";
import { finishChunk, roleChunk, tokenChunk, type Answering, type Said } from "./shapes.ts";

/** One HTTP request inside the engine: its choices run side by side, and what they say goes to a sink. */
export class Run {
  readonly #order: RunOrder;
  readonly #sink: Sink;
  readonly #said: Said[];
  readonly #counts: Counts[] = [];
  readonly #held: Set<number>;
  #open: number;
  #kept = "";
  #tokens = 0;
  #isStarted = false;
  #isOver = false;
  #isStopped = false;

  constructor(order: RunOrder, sink: Sink) {
    this.#order = order;
    this.#sink = sink;
    this.#open = order.ask.choices.length;
    this.#held = new Set(order.taken.isHeld ? order.ask.choices.keys() : []);
    this.#said = order.ask.choices.map(() => ({ text: "", finish: "stop" }));
  }

  get ask(): EngineAsk {
    return this.#order.ask;
  }

  /** The truth about the tokens so far, over all choices. */
  get counts(): Counts {
    const sum = { ...NOTHING };
    for (const counts of this.#counts.filter((one) => one !== undefined)) {
      sum.promptTokens += counts.promptTokens;
      sum.cachedTokens += counts.cachedTokens;
      sum.computedTokens += counts.computedTokens;
      sum.pulledTokens += counts.pulledTokens;
      sum.outputTokens += counts.outputTokens;
    }
    return sum;
  }

  /** Prompt tokens found in the prefix cache, each prompt counted once. */
  get cachedTokens(): number {
    const firsts = this.#counts.filter((_, index) => this.#order.ask.choices[index]?.isFirst);
    return firsts.reduce((sum, counts) => sum + counts.cachedTokens, 0);
  }

  get said(): readonly Said[] {
    return this.#said;
  }

  /** It ended for a reason of its own, and did not do what it was asked. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  start(): void {
    const { ask, taken, haltAfterTokens, answering } = this.#order;
    if (haltAfterTokens === 0) return this.#halt();
    this.#isStarted = true;
    if (ask.stream) {
      this.#kept = ask.choices.map((_, index) => roleChunk(answering, index)).join("");
      if (taken.opens !== "first-token") this.#tell("");
    }
    for (const index of ask.choices.keys()) if (!this.#held.has(index)) this.#submit(index);
    this.#order.clock.catchUp();
  }

  /** Runs a choice that was held, once the others are started. */
  begin(index: number): void {
    if (!this.#held.delete(index) || !this.#isStarted || this.#isOver) return;
    this.#submit(index);
    this.#order.clock.catchUp();
  }

  /** Stops every choice; the sink hears no more. */
  abort(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { engine, clock, ask } = this.#order;
    for (let index = 0; index < ask.choices.length; index++) {
      const counts = engine.abort(this.id(index), clock.now());
      if (counts) this.#counts[index] = counts;
    }
    clock.catchUp();
  }

  /** Ends it for a reason from outside the scheduler. */
  fail(problem: Problem): void {
    if (!this.#isOver) this.#end(() => this.#sink.failed(problem));
  }

  /** Ends it, done, with what is said so far. */
  stop(finish: string): void {
    if (this.#isOver) return;
    this.#isStopped = true;
    const { answering, ask } = this.#order;
    const frames = [...ask.choices.keys()].map((index) => {
      this.#said[index] = { text: "", ...this.#said[index], finish };
      return ask.stream ? finishChunk(answering, index, finish, undefined) : "";
    });
    this.#tell(frames.join(""));
    this.#end(() => this.#sink.done());
  }

  /** A choice's name in the scheduler. */
  id(index: number): string {
    return `${this.#order.answering.id}/${index}`;
  }

  #submit(index: number): void {
    const { engine, clock, ask, taken } = this.#order;
    const choice = ask.choices[index];
    if (!choice) return;
    const { tokens, output } = choice;
    const id = this.id(index);
    clock.listen(id, (events) => this.#hear(index, events));
    const request: SimRequest = {
      tokens,
      output,
      salt: ask.cacheSalt,
      ...taken.order?.(index),
      id,
    };
    engine.submit(request, clock.now());
  }

  #hear(index: number, events: readonly SimEvent[]): void {
    const { hooks } = this.#order.taken;
    let frames = "";
    // What the scheduler has done is true, however little of it is told.
    for (const event of events) if ("counts" in event) this.#counts[index] = event.counts;
    for (const event of events) {
      if (this.#isOver) continue;
      if (event.kind === "started") hooks?.started?.(index, event.counts);
      if (event.kind === "pulled") hooks?.pulled?.(index);
      if (event.kind === "prefilled") hooks?.prefilled?.(index);
      if (event.kind === "first-token" || event.kind === "token")
        frames += this.#token(index, event);
      if (event.kind === "done") frames += this.#finish(index, event);
      if (event.kind === "failed") return this.fail(PROBLEMS[event.reason]);
      if (this.#tokens >= (this.#order.haltAfterTokens ?? Infinity)) {
        this.#tell(frames);
        return this.#halt();
      }
    }
    if (this.#isOver) return;
    if (frames !== "") this.#tell(frames);
    if (!events.some(({ kind }) => kind === "done")) return;
    const wait = hooks?.said?.(index);
    if (wait) void wait.then(() => this.#close());
    else this.#close();
  }

  #tell(frames: string): void {
    this.#kept += frames;
    if (this.#order.taken.tellsAtEnd) return;
    this.#sink.frames(this.#kept);
    this.#kept = "";
  }

  /** One choice has ended. */
  #close(): void {
    if (--this.#open > 0 || this.#isOver) return;
    this.#sink.frames(this.#kept);
    this.#end(() => this.#sink.done());
  }

  #token(index: number, event: SimEvent & { readonly kind: "first-token" | "token" }): string {
    this.#tokens++;
    const said = this.#said[index];
    if (said) this.#said[index] = { ...said, text: said.text + event.text };
    const toolCall = event.toolCall;
    return this.#order.ask.stream
      ? tokenChunk(this.#order.answering, index, { index: event.index, text: event.text, toolCall })
      : "";
  }

  #finish(index: number, event: SimEvent & { readonly kind: "done" }): string {
    const { answering, ask, taken } = this.#order;
    const finish = taken.finish ?? event.output.finish;
    const { toolCall } = event.output;
    this.#said[index] = { text: this.#said[index]?.text ?? "", finish, toolCall };
    if (!ask.stream) return "";
    const members = index === 0 ? taken.members?.(this).lastChunk : undefined;
    return finishChunk(answering, index, finish, members);
  }

  #halt(): void {
    this.abort();
    this.#sink.halted();
  }

  #end(tell: () => void): void {
    this.abort();
    tell();
  }
}

export const RESTARTED: Problem = {
  status: 500,
  code: "restarted",
  message: "The engine restarted.",
};

const PROBLEMS: Readonly<Record<"too-long" | "restarted", Problem>> = {
  "too-long": {
    status: 400,
    code: "context_length_exceeded",
    message: "The request does not fit the KV cache.",
  },
  restarted: RESTARTED,
};

const NOTHING = {
  promptTokens: 0,
  cachedTokens: 0,
  computedTokens: 0,
  pulledTokens: 0,
  outputTokens: 0,
};

export type RunOrder = {
  readonly engine: SimEngine;
  readonly clock: Clock;
  readonly ask: EngineAsk;
  readonly answering: Answering;
  readonly taken: Taken;
  /** A fault: stop dead after so many tokens. */
  readonly haltAfterTokens?: number | undefined;
};

/** Where a run's words go. Exactly one of `done`, `failed` and `halted` comes, last, unless it is aborted. */
export type Sink = {
  frames(text: string): void;
  done(): void;
  failed(problem: Problem): void;
  halted(): void;
};
