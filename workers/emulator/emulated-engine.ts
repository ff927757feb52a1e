import { DurableObject } from "cloudflare:workers";
import { heldOf, type Held } from "../../src/sim/hash.ts";
import { SimEngine } from "../../src/sim/engine.ts";
import { admin, type Settings } from "./admin.ts";
import { answer } from "./answer.ts";
import { readAsk, type Api, type EngineAsk } from "./ask.ts";
import { Clock } from "./clock.ts";
import { engineConfig, timeFactor, type EmulatorEnv, type EngineConfig } from "./config.ts";
import { Faults, type Fault } from "./faults.ts";
import { blockIdsOf, newRequestNumber, readHandle, writeHandle, type Handle } from "./handle.ts";
import { Ledger } from "./ledger.ts";
import { legOf } from "./leg.ts";
import { metricsText } from "./metrics.ts";
import { parsePath } from "./path.ts";
import { failure } from "./problem.ts";
import { findPull, NO_PULL, type FoundPull } from "./pull.ts";
import type { Run, RunOrder } from "./run.ts";
import type { EngineUsage } from "./shapes.ts";

/** One emulated engine. Everything is in memory: an object that goes away is an engine that restarted. */
export class EmulatedEngine extends DurableObject<EmulatorEnv> {
  readonly #ledger = new Ledger();
  readonly #faults = new Faults();
  #settings: Settings = {};
  #parts: Parts | undefined;

  override async fetch(request: Request): Promise<Response> {
    const path = parsePath(new URL(request.url).pathname);
    const parts = path && this.#open(path.engine);
    if (!path || !parts) return failure(404, "not_found", "The mesh has no such engine.");
    if (path.below.startsWith("/admin/")) return this.#admin(request, path.below, parts);
    const route = `${request.method} ${path.below}`;
    if (route === "POST /v1/chat/completions") return this.#complete("chat", request, parts);
    if (route === "POST /v1/completions") return this.#complete("text", request, parts);
    if (route === "GET /v1/models") return Response.json(modelList(parts.config));
    if (route === "GET /health") return new Response(null, { status: 200 });
    if (route === "GET /metrics") {
      const { model } = parts.config;
      return new Response(metricsText(model.id, parts.engine.load, this.#ledger.totals));
    }
    return failure(404, "not_found", `No such path: ${path.below}`);
  }

  /** For a decode engine's object: the blocks that `handle` names, kept until `closeLease`. */
  openLease(name: string, handle: Handle): Held | undefined {
    const parts = this.#open(name);
    if (!parts || parts.engine.engineId !== handle.engineId) return undefined;
    const isMeant = (held: Held): boolean => blockIdsOf(held).join() === handle.blockIds.join();
    const held = parts.engine.openLease(handle.requestId, isMeant, parts.clock.now());
    parts.clock.catchUp();
    return held;
  }

  /** For a decode engine's object: the blocks were fetched, or nobody wants them any more. */
  closeLease(name: string, requestId: string): void {
    const parts = this.#open(name);
    parts?.engine.closeLease(requestId, parts.clock.now());
    parts?.clock.catchUp();
  }

  #open(name: string): Parts | undefined {
    if (this.#parts) return this.#parts;
    const config = engineConfig(this.env, name);
    if (!config) return undefined;
    const engine = new SimEngine({ ...config.sim, engineId: crypto.randomUUID() });
    this.#parts = { config, engine, clock: new Clock(engine, timeFactor(this.env)) };
    return this.#parts;
  }

  async #complete(api: Api, request: Request, parts: Parts): Promise<Response> {
    const fault = this.#faults.meet();
    const refusal = refusalOf(fault);
    if (refusal) return refusal;
    const text = await request.text();
    const body = parseJson(text);
    const read = readAsk(api, body, parts.config.model, parts.config.modelNames);
    if (!read.ok) return failure(read.problem.status, read.problem.code, read.problem.message);
    const leg = parts.config.pool.dialect === "vllm-nixl" ? legOf(body) : "both";
    if (leg === "prefill" && read.ask.stream) {
      return failure(400, "invalid_stream", "do_remote_decode cannot be streamed.");
    }
    const requestId = request.headers.get("x-request-id") ?? crypto.randomUUID();
    const entry = this.#ledger.open(requestId, leg);
    const handle = leg === "decode" ? readHandle(text) : undefined;
    const pull = handle ? await this.#findPull(handle, parts) : NO_PULL;
    const handed = leg === "prefill" ? handOut(read.ask, parts) : undefined;
    return answer({
      order: {
        ...orderOf(api, read.ask, parts),
        leaseAs: handed?.requestId,
        pull: pull.pull,
        haltAfterTokens: haltAfter(fault),
      },
      signal: request.signal,
      entry,
      usage: (run) => this.#usage(run, read.ask, pull),
      cutsWhenHalted: fault?.fault === "cut-midstream",
      releaseRemote: once(pull.release),
      handoff: handed?.raw,
    });
  }

  #findPull(handle: Handle, { config }: Parts): Promise<FoundPull> {
    return findPull(handle, config, this.#settings.linkGbps, {
      engine: (name) => this.env.ENGINES.getByName(name),
      later: (promise) => this.ctx.waitUntil(promise),
    });
  }

  /** A decode leg that pulled claims all but one token as cached, as vLLM does. */
  #usage(run: Run, ask: EngineAsk, pull: FoundPull): EngineUsage {
    const cached = pull.pull ? ask.promptTokens - 1 : run.cachedTokens;
    const details = cached > 0 && this.#settings.usageDetails !== false;
    const { outputTokens } = run.counts;
    return {
      prompt_tokens: ask.promptTokens,
      completion_tokens: outputTokens,
      total_tokens: ask.promptTokens + outputTokens,
      ...(details && { prompt_tokens_details: { cached_tokens: cached } }),
    };
  }

  #admin(request: Request, below: string, { config, engine, clock }: Parts): Promise<Response> {
    const restart = (kvTokens?: number): void => {
      engine.restart(crypto.randomUUID(), clock.now(), kvTokens);
      clock.catchUp();
    };
    return admin(request, below, this.env.EMULATOR_TOKEN, {
      ledger: () => {
        clock.catchUp();
        const { entries } = this.#ledger;
        const open = entries.filter(({ status }) => status === "running").length;
        const { engineId, load } = engine;
        return { engine: config.name, entries, open, engineId, ...load };
      },
      clearLedger: () => this.#ledger.clear(),
      setFault: (fault) => {
        this.#faults.set(fault);
        engine.slowFactor = fault.fault === "slow" ? fault.factor : 1;
      },
      restart,
      change: (settings) => {
        this.#settings = { ...this.#settings, ...settings };
        // A process cannot change its cache while it lives.
        if (settings.kvTokens !== undefined) restart(settings.kvTokens);
      },
    });
  }
}

type Parts = {
  readonly config: EngineConfig;
  readonly engine: SimEngine;
  readonly clock: Clock;
};

function orderOf(api: Api, ask: EngineAsk, { engine, clock }: Parts): RunOrder {
  const id = `${api === "chat" ? "chatcmpl" : "cmpl"}-${crypto.randomUUID().replaceAll("-", "")}`;
  const created = Math.floor(Date.now() / 1000);
  return { engine, clock, ask, answering: { api, id, model: ask.model, created } };
}

/** The handle under which a prefill leg's blocks will be held. */
function handOut(ask: EngineAsk, { config, engine }: Parts): { requestId: string; raw: string } {
  const tokens = ask.choices[0]?.tokens ?? [];
  const requestId = newRequestNumber();
  const blockIds = blockIdsOf(heldOf(tokens));
  const handle = { engineId: engine.engineId, host: config.name, requestId, blockIds };
  return { requestId, raw: writeHandle(handle, tokens.length) };
}

function refusalOf(fault: Fault | undefined): Response | undefined {
  // Over a service binding this is what a refused connection looks like.
  if (fault?.fault === "refuse") throw new Error("connection refused");
  if (fault?.fault === "status") return failure(fault.status, "emulated_fault", "Told to fail.");
  if (fault?.fault !== "429") return undefined;
  const headers = { "retry-after": String(fault.retryAfterS) };
  return failure(429, "rate_limit_exceeded", "Told to refuse.", headers);
}

function haltAfter(fault: Fault | undefined): number | undefined {
  if (fault?.fault === "stall-before-first") return 0;
  return fault?.fault === "stall-midstream" || fault?.fault === "cut-midstream" ? 3 : undefined;
}

function modelList({ model, pool }: EngineConfig): unknown {
  const created = 0;
  const data = [
    {
      id: model.id,
      object: "model",
      created,
      owned_by: pool.id,
      max_model_len: model.contextWindow,
    },
  ];
  return { object: "list", data };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function once(action: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    action();
  };
}
