import { BLOCK_TOKENS } from "../../../../src/sim/hash.ts";
import { dynamoMetrics } from "../../metrics/dynamo.ts";
import type { Members } from "../dialect.ts";
import type { Run } from "../../run.ts";
import { usageOf } from "../../shapes.ts";
import type { EmulatedDialect, EngineRequest, EngineSide, Taken } from "../dialect.ts";
import { bodyProblem } from "./body.ts";
import { dynamoRefusal, noWorker } from "./errors.ts";
import { readNvExt, type NvExt } from "./nvext.ts";
import { Workers, type Worker } from "./workers.ts";

/** Dynamo by its frontend: it chooses among the workers behind it, unless it is told which, and tells whom it chose. */
export const dynamo: EmulatedDialect = (side) => {
  const workers = new Workers(side);
  return {
    take(request) {
      const problem = bodyProblem(request.body);
      if (problem) return dynamoRefusal(problem);
      const read = readNvExt(request.text, request.headers);
      if (!read.ok) return dynamoRefusal(read.problem);
      const { nvext } = read;
      const missing = [nvext.worker, nvext.prefillWorker].find((id) => id && !workers.named(id));
      if (missing !== undefined) return dynamoRefusal(noWorker(missing));
      const salt = nvext.cacheSalt ?? request.ask.cacheSalt;
      const tokens = request.ask.choices[0]?.tokens ?? [];
      const pin = nvext.worker ?? nvext.prefillWorker;
      const worker = pin === undefined ? workers.best(tokens, salt) : workers.named(pin);
      if (!worker) return dynamoRefusal(noWorker(pin ?? 0n));
      return takeOn(worker, salt, request, nvext, side);
    },
    routes: { "GET /metrics": () => dynamoMetrics(side) },
    refuse: dynamoRefusal,
  };
};

function takeOn(
  worker: Worker,
  salt: string,
  { ask }: EngineRequest,
  { extraFields }: NvExt,
  side: EngineSide,
): Taken {
  const timing = new Timing(side);
  const blocks = Math.ceil(ask.promptTokens / BLOCK_TOKENS);
  worker.served++;
  worker.activeBlocks += blocks;
  const members = (run: Run): Members => {
    const told = {
      ...(extraFields.has("worker_id") && { worker_id: workerId(worker) }),
      ...(extraFields.has("timing") && { timing: timing.told(run) }),
    };
    const raw = Object.entries(told).map(([name, value]) => `"${name}":${value}`);
    if (raw.length === 0) return {};
    const nvext = `{${raw.join(",")}}`;
    return { answer: { nvext }, lastChunk: { nvext } };
  };
  return {
    leg: "both",
    order: () => ({ salt: worker.salt(salt) }),
    usage: (run) => usageOf(run, side.settings().usageDetails === false ? 0 : run.cachedTokens),
    members,
    hooks: {
      started: () => timing.started(),
      prefilled: () => timing.prefilled(),
      over: () => {
        worker.activeBlocks -= blocks;
      },
    },
  };
}

/** One worker does both phases. */
function workerId({ id }: Worker): string {
  return `{"prefill_worker_id":${id},"prefill_dp_rank":0,"decode_worker_id":${id},"decode_dp_rank":0}`;
}

/** Moments of one request, in the engine's own milliseconds. */
class Timing {
  readonly #side: EngineSide;
  readonly #receivedAt: number;
  readonly #receivedMs = Date.now();
  #startedAt: number | undefined;
  #firstTokenAt: number | undefined;

  constructor(side: EngineSide) {
    this.#side = side;
    this.#receivedAt = side.clock.now();
  }

  started(): void {
    this.#startedAt ??= this.#side.clock.now();
  }

  prefilled(): void {
    this.#firstTokenAt ??= this.#side.clock.now();
  }

  told({ cachedTokens, ask }: Run): string {
    const now = this.#side.clock.now();
    const started = this.#startedAt ?? now;
    const first = this.#firstTokenAt ?? now;
    return JSON.stringify({
      request_received_ms: this.#receivedMs,
      prefill_wait_time_ms: started - this.#receivedAt,
      prefill_time_ms: first - started,
      ttft_ms: first - this.#receivedAt,
      total_time_ms: now - this.#receivedAt,
      kv_hit_rate: cachedTokens / ask.promptTokens,
    });
  }
}
