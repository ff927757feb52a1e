import type { SimEngine } from "../../src/sim/engine.ts";
import type { SimEvent } from "../../src/sim/events.ts";
import type { Counts, SimRequest } from "../../src/sim/sequence.ts";
import type { EngineAsk } from "./ask.ts";
import type { Clock } from "./clock.ts";
import { finishChunk, roleChunk, tokenChunk, type Answering, type Said } from "./shapes.ts";

/** One HTTP request inside the engine: its choices run side by side, and what they say goes to a sink. */
export class Run {
  readonly #order: RunOrder;
  readonly #sink: Sink;
  readonly #said: Said[];
  readonly #counts: Counts[] = [];
  #open: number;
  #tokens = 0;
  #isOver = false;

  constructor(order: RunOrder, sink: Sink) {
    this.#order = order;
    this.#sink = sink;
    this.#open = order.ask.choices.length;
    this.#said = order.ask.choices.map(() => ({ text: "", finish: "stop" }));
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

  start(): void {
    const { engine, clock, ask, haltAfterTokens, leaseAs, pull, answering } = this.#order;
    if (haltAfterTokens === 0) return this.#halt();
    ask.choices.forEach(({ tokens, output }, index) => {
      clock.listen(this.#id(index), (events) => this.#hear(index, events));
      const request: SimRequest = {
        id: this.#id(index),
        tokens,
        output,
        salt: ask.cacheSalt,
        ...(leaseAs !== undefined && index === 0 && { leaseAs }),
        ...(pull && { pull }),
      };
      engine.submit(request, clock.now());
    });
    if (ask.stream) {
      this.#sink.frames(ask.choices.map((_, index) => roleChunk(answering, index)).join(""));
    }
    clock.catchUp();
  }

  /** Stops every choice; the sink hears no more. */
  abort(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { engine, clock, ask } = this.#order;
    for (let index = 0; index < ask.choices.length; index++) {
      const counts = engine.abort(this.#id(index), clock.now());
      if (counts) this.#counts[index] = counts;
    }
    clock.catchUp();
  }

  #id(index: number): string {
    return `${this.#order.answering.id}/${index}`;
  }

  #hear(index: number, events: readonly SimEvent[]): void {
    let frames = "";
    for (const event of events) {
      if ("counts" in event) this.#counts[index] = event.counts;
      if (this.#isOver) continue;
      if (event.kind === "pulled") this.#sink.pulled();
      if (event.kind === "first-token" || event.kind === "token")
        frames += this.#token(index, event);
      if (event.kind === "done") frames += this.#finish(index, event);
      if (event.kind === "failed") return this.#end(() => this.#sink.failed(event.reason));
      if (this.#tokens >= (this.#order.haltAfterTokens ?? Infinity)) {
        this.#sink.frames(frames);
        return this.#halt();
      }
    }
    if (this.#isOver) return;
    this.#sink.frames(frames);
    if (this.#open === 0) this.#end(() => this.#sink.done());
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
    this.#open--;
    const { finish, toolCall } = event.output;
    this.#said[index] = { text: this.#said[index]?.text ?? "", finish, toolCall };
    return this.#order.ask.stream ? finishChunk(this.#order.answering, index, finish) : "";
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
  readonly leaseAs?: string | undefined;
  readonly pull?: SimRequest["pull"] | undefined;
  /** A fault: stop dead after so many tokens. */
  readonly haltAfterTokens?: number | undefined;
};

/** Where a run's words go. Exactly one of `done`, `failed` and `halted` comes, last, unless it is aborted. */
export type Sink = {
  frames(text: string): void;
  /** Blocks of another engine have arrived. */
  pulled(): void;
  done(): void;
  failed(reason: "too-long" | "restarted"): void;
  halted(): void;
};
