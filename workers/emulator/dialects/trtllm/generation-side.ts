import { extend, type Held } from "../../../../src/sim/hash.ts";
import type { Output } from "../../../../src/sim/text.ts";
import type { EngineAsk } from "../../ask.ts";
import type { Run } from "../../run.ts";
import type { EngineUsage } from "../../shapes.ts";
import type { EngineRequest, EngineSide, Taken } from "../dialect.ts";
import { engineAt, readState, type Process } from "./address.ts";
import { engineError, TRANSFER_FAILED, trtllmRefusal } from "./errors.ts";
import type { ToContext, ToGeneration } from "./messages.ts";
import type { Params } from "./params.ts";
import { transferTimeoutMs } from "./timeout.ts";
import { trtllmUsage } from "./usage.ts";

/** Generation requests: each fetches what a context engine has or will have, and computes nothing of the prompt. */
export class GenerationSide {
  readonly #side: EngineSide;
  readonly #open = new Map<string, Open>();

  constructor(side: EngineSide) {
    this.#side = side;
  }

  take({ ask }: EngineRequest, params: Params, echo: string): Taken | Response {
    const { number } = params;
    if (number === undefined) return trtllmRefusal(engineError("ctx_request_id is not set"));
    if (params.state !== undefined && !readState(params.state)) {
      return trtllmRefusal(engineError("encoded_opaque_state cannot be read"));
    }
    if (this.#open.has(number)) {
      return trtllmRefusal(engineError(`Request ${number} is in progress`));
    }
    return {
      leg: "decode",
      ask: answersOf(ask, params),
      order: () => ({ awaitsPull: true }),
      usage: (run) => this.#usage(run, params),
      // An answer to such a request always has them.
      members: () => ({ choice: { disaggregated_params: echo } }),
      hooks: {
        open: (run) => {
          const waitMs = transferTimeoutMs(this.#side);
          const stop = this.#side.clock.after(waitMs, () => this.#fail(number));
          this.#open.set(number, { run, context: processOf(params), stop });
        },
        started: () => this.#want(number),
        pulled: () => this.#end(number, "taken"),
        over: (status) => this.#end(number, status === "died" ? undefined : "gone"),
      },
    };
  }

  meet(message: ToGeneration, from: string): boolean {
    const open = this.#open.get(message.number);
    if (!open) return false;
    if (message.kind === "cancelled") {
      this.#fail(message.number);
      return true;
    }
    const { engine, clock, linkFrom } = this.#side;
    const link = linkFrom(from);
    const pull = link && { held: message.held, link, bringsFirstToken: true };
    const isResumed = pull && engine.resume(open.run.id(0), pull, clock.now());
    clock.catchUp();
    if (!isResumed) this.#fail(message.number);
    return isResumed === true;
  }

  /** A context engine that does not answer, or is another by now, is waited for like one that is slow. */
  #want(number: string): void {
    const { context } = this.#open.get(number) ?? {};
    if (!context) return;
    const { engine, engineId } = context;
    this.#tell(engine, { kind: "want", number, engineId });
  }

  #fail(number: string): void {
    const { run } = this.#open.get(number) ?? {};
    run?.fail(TRANSFER_FAILED);
  }

  #end(number: string, kind: "taken" | "gone" | undefined): void {
    const open = this.#open.get(number);
    if (!open) return;
    this.#open.delete(number);
    open.stop();
    if (kind && open.context) this.#tell(open.context.engine, { kind, number });
  }

  #tell(engine: string, message: ToContext): void {
    const { later, meet, linkFrom } = this.#side;
    if (linkFrom(engine)) later(meet(engine, message));
  }

  /** What the context engine told, where the router passes that on. */
  #usage(run: Run, { contextUsage }: Params): EngineUsage {
    const own = trtllmUsage(run, run.cachedTokens, this.#side.settings());
    const details = contextUsage?.["prompt_tokens_details"];
    return details ? ({ ...own, prompt_tokens_details: details } as EngineUsage) : own;
  }
}

type Open = {
  readonly run: Run;
  readonly context: { readonly engine: string; readonly engineId: string | undefined } | undefined;
  /** Ends its timer. */
  readonly stop: () => void;
};

/** Where the blocks are: in the process that its own state names, else in whichever is at the endpoint. */
function processOf({ state, endpoint }: Params): Open["context"] {
  const process: Process | undefined = state === undefined ? undefined : readState(state);
  const engine = process?.engine ?? (endpoint === undefined ? undefined : engineAt(endpoint));
  return engine === undefined ? undefined : { engine, engineId: process?.engineId };
}

/** It goes on from the first token it was given: after another than the context engine's it says something else. */
function answersOf(ask: EngineAsk, { firstTokens }: Params): EngineAsk {
  if (!firstTokens) return ask;
  const choices = ask.choices.map((choice) => ({
    ...choice,
    output: (held: Held): Output => {
      const own = choice.output(held);
      const isSame = firstTokens.join() === String(own.tokens[0]);
      if (isSame) return own;
      return choice.output(extend(held, firstTokens));
    },
  }));
  return { ...ask, choices };
}
