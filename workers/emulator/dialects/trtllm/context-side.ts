import { heldOf } from "../../../../src/sim/hash.ts";
import { cutTo, type Output } from "../../../../src/sim/text.ts";
import type { Run } from "../../run.ts";
import type { EngineRequest, EngineSide, Taken } from "../dialect.ts";
import { infoEndpoint, writeState } from "./address.ts";
import { engineError, SEND_FAILED, trtllmRefusal } from "./errors.ts";
import type { ToContext, ToGeneration } from "./messages.ts";
import type { Params } from "./params.ts";
import { transferTimeoutMs } from "./timeout.ts";
import { trtllmUsage } from "./usage.ts";

/** Context requests by their number: what each computed is kept until a generation engine has it or too long. */
export class ContextSide {
  readonly #side: EngineSide;
  readonly #open = new Map<string, Context>();
  /** Far from what routers give out, and beyond what a double holds. */
  #next = (1n << 60n) + BigInt(Math.floor(Math.random() * 2 ** 32));

  constructor(side: EngineSide) {
    this.#side = side;
  }

  take({ ask }: EngineRequest, params: Params): Taken | Response {
    const number = params.number ?? String(++this.#next);
    if (this.#open.get(number)?.run) {
      return trtllmRefusal(engineError(`Request ${number} is in progress`));
    }
    const choice = ask.choices[0];
    const tokens = choice?.tokens ?? [];
    const first = cutTo(choice?.output(heldOf(tokens)) ?? NOTHING, 1);
    // Whose first token is its last is not handed on.
    const isWhole = this.#side.settings().endsAtFirstToken === true || first.finish !== "length";
    return {
      leg: "prefill",
      isHeld: params.isGenerationFirst,
      order: () => ({
        ...(!isWhole && { leaseAs: number, leaseMs: transferTimeoutMs(this.#side) }),
        output: () => (isWhole && first.finish === "length" ? { ...first, finish: "stop" } : first),
      }),
      usage: (run) => trtllmUsage(run, run.cachedTokens, this.#side.settings()),
      members: () => ({
        choice: { disaggregated_params: this.#params(number, first.tokens[0] ?? 0) },
        answer: { prompt_token_ids: JSON.stringify(tokens) },
      }),
      hooks: {
        open: (run) => this.#enter(number, run, params.isGenerationFirst),
        said: () => (isWhole ? undefined : this.#computed(number)),
        over: (status) => {
          if (status === "aborted" || status === "failed" || isWhole) this.#cancel(number);
        },
      },
    };
  }

  meet(message: ToContext, from: string): boolean {
    const { number } = message;
    const known = this.#open.get(number);
    if (message.kind !== "want") {
      if (known?.wantedBy === from) this.#end(number);
      return true;
    }
    const { engineId } = this.#side.engine;
    if (message.engineId !== undefined && message.engineId !== engineId) return false;
    const context = { ...(known ?? NEW), wantedBy: from };
    this.#open.set(number, context);
    if (context.isComputed) this.#send(number, context);
    else {
      context.stop();
      if (context.run) context.run.begin(0);
      else context.stop = this.#later(number);
    }
    return true;
  }

  #params(number: string, firstToken: number): string {
    const members = {
      request_type: '"context_only"',
      first_gen_tokens: `[${firstToken}]`,
      ctx_request_id: number,
      encoded_opaque_state: JSON.stringify(writeState(this.#side)),
      draft_tokens: "null",
      ...(!this.#isOld && {
        disagg_request_id: number,
        ctx_dp_rank: "0",
        ctx_info_endpoint: JSON.stringify(infoEndpoint(this.#side)),
      }),
    };
    return `{${Object.entries(members)
      .map(([name, raw]) => `"${name}":${raw}`)
      .join(",")}}`;
  }

  get #isOld(): boolean {
    return this.#side.settings().version === "1.0";
  }

  /** One that generation has to ask for first waits until that did. */
  #enter(number: string, run: Run, isHeld: boolean): void {
    const known = this.#open.get(number);
    known?.stop();
    const context: Context = { ...(known ?? NEW), run, stop: () => {} };
    this.#open.set(number, context);
    if (!isHeld) return;
    if (context.wantedBy === undefined) context.stop = this.#later(number);
    else run.begin(0);
  }

  /** Nothing waits for the transfer: the answer goes out at once. */
  #computed(number: string): undefined {
    const known = this.#open.get(number);
    if (!known) return;
    known.stop();
    const context = { ...known, isComputed: true, stop: this.#later(number) };
    this.#open.set(number, context);
    if (context.wantedBy !== undefined) this.#send(number, context);
  }

  #send(number: string, { wantedBy = "" }: Context): void {
    const { engine, clock, meet } = this.#side;
    const held = engine.openLease(number, () => true, clock.now());
    if (!held) return this.#cancel(number);
    const answered = (isWanted: unknown): void => {
      if (isWanted !== true) this.#end(number);
    };
    const message: ToGeneration = { kind: "blocks", number, held };
    void meet(wantedBy, message).then(answered, () => answered(false));
  }

  /** Gives it up when nothing has come of it for too long. */
  #later(number: string): () => void {
    return this.#side.clock.after(transferTimeoutMs(this.#side), () => this.#cancel(number));
  }

  #cancel(number: string): void {
    const context = this.#open.get(number);
    if (!context) return;
    this.#end(number);
    const { meet, later } = this.#side;
    const message: ToGeneration = { kind: "cancelled", number };
    if (context.wantedBy !== undefined) later(meet(context.wantedBy, message));
    context.run?.fail(SEND_FAILED);
  }

  #end(number: string): void {
    this.#open.get(number)?.stop();
    this.#open.delete(number);
    const { engine, clock } = this.#side;
    engine.closeLease(number, clock.now());
    clock.catchUp();
  }
}

const NOTHING: Output = { pieces: [""], tokens: [0], finish: "length" };

type Context = {
  readonly run: Run | undefined;
  /** The generation engine that has room for its blocks. */
  readonly wantedBy: string | undefined;
  readonly isComputed: boolean;
  /** Ends its timer. */
  stop: () => void;
};

const NEW: Context = { run: undefined, wantedBy: undefined, isComputed: false, stop: () => {} };
