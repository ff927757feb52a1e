import { SimEngine } from "../../src/sim/engine.ts";
import { isRecord } from "../../src/sim/tokens.ts";
import { admin, type Settings } from "./admin.ts";
import { answer } from "./answer.ts";
import { readAsk, type Api } from "./ask.ts";
import { Clock } from "./clock.ts";
import type { EngineConfig } from "./config.ts";
import { continuesIn } from "./continues.ts";
import type { EngineSide, Speech } from "./dialects/dialect.ts";
import { dialectNamed } from "./dialects/registry.ts";
import { readEmbedding } from "./embeddings.ts";
import { cutsWhenHalted, Faults, haltAfter, refusalOf } from "./faults.ts";
import { Ledger } from "./ledger.ts";
import { lying } from "./lies.ts";
import { linkBetween } from "./link.ts";
import { modelList } from "./models.ts";
import { failure, openAiProblem } from "./problem.ts";
import { RESTARTED, type Run } from "./run.ts";

/** The server process of one engine: what it answers, and what becomes of it in faults and restarts. */
export class EngineProcess {
  readonly #config: EngineConfig;
  readonly #world: World;
  readonly #ledger = new Ledger();
  readonly #faults = new Faults();
  readonly #engine: SimEngine;
  readonly #clock: Clock;
  readonly #side: EngineSide;
  readonly #runs = new Set<Run>();
  #settings: Settings = {};
  #crashes = 0;
  #speech: Speech;

  constructor(config: EngineConfig, world: World) {
    this.#config = config;
    this.#world = world;
    this.#engine = new SimEngine({ ...config.sim, engineId: crypto.randomUUID() });
    this.#clock = new Clock(this.#engine, world.timeFactor);
    this.#side = this.#sideOf();
    this.#speech = dialectNamed(config.pool.dialect)(this.#side);
  }

  /** Answers a request for the path `below` the engine's own. */
  async fetch(request: Request, below: string): Promise<Response> {
    if (below.startsWith("/admin/")) return this.#admin(request, below);
    const route = `${request.method} ${below}`;
    const own = this.#speech.routes?.[route];
    if (own) return own(request);
    const served = this.#speech.serves?.(request, below);
    if (served) return served;
    if (route === "POST /v1/chat/completions") return this.#complete("chat", request);
    if (route === "POST /v1/completions") return this.#complete("text", request);
    if (route === "POST /v1/embeddings") return this.#embed(request);
    if (route === "GET /v1/models") return Response.json(modelList(this.#config));
    if (route === "GET /health") return new Response(null, { status: 200 });
    return failure(404, "not_found", `No such path: ${below}`);
  }

  /** Another engine says something to this one; undefined when it has nothing to say to that. */
  async meet(message: unknown, from: string): Promise<unknown> {
    if (this.#faults.isIsolated) throw new Error("unreachable");
    return this.#speech.meet?.(message, from);
  }

  async #complete(api: Api, request: Request): Promise<Response> {
    const { headers, signal } = request;
    const fault = this.#faults.meet();
    const refusal = refusalOf(fault);
    if (refusal) return refusal;
    const text = await request.text();
    if (fault?.fault === "late") {
      await new Promise<void>((resolve) => void this.#clock.after(fault.delayMs, resolve));
    }
    const body = parseJson(text);
    const speech = this.#speech;
    const refuse = speech.refuse ?? openAiProblem;
    const { model, modelNames, pool } = this.#config;
    const read = readAsk(api, body, model, modelNames, continuesIn(pool));
    if (!read.ok || !isRecord(body)) return refuse(read.ok ? NOT_AN_OBJECT : read.problem);
    const taking = speech.take({
      api,
      headers,
      text,
      body,
      ask: read.ask,
      signal,
      isLoadFailing: fault?.fault === "load",
    });
    // Who is taken at once is not overtaken by the next.
    const truly = taking instanceof Promise ? await taking : taking;
    if (truly instanceof Response) return truly;
    const taken = this.#settings.lies ? lying(truly, read.ask) : truly;
    return answer({
      engine: this.#engine,
      clock: this.#clock,
      ask: taken.ask ?? read.ask,
      api,
      taken,
      signal,
      refuse,
      entry: this.#ledger.open(headers.get("x-request-id") ?? crypto.randomUUID(), taken.leg),
      haltAfterTokens: haltAfter(fault),
      cutsWhenHalted: cutsWhenHalted(fault),
      isAlive: () => this.#speech === speech,
      runs: this.#runs,
    });
  }

  async #embed(request: Request): Promise<Response> {
    const { headers, signal } = request;
    const fault = this.#faults.meet();
    const refusal = refusalOf(fault);
    if (refusal) return refusal;
    const speech = this.#speech;
    const refuse = speech.refuse ?? openAiProblem;
    const { model, modelNames } = this.#config;
    const read = readEmbedding(parseJson(await request.text()), model, modelNames);
    if (!read.ok) return refuse(read.problem);
    return answer({
      engine: this.#engine,
      clock: this.#clock,
      ask: read.ask,
      api: "embeddings",
      taken: read.taken,
      whole: read.whole,
      signal,
      refuse,
      entry: this.#ledger.open(headers.get("x-request-id") ?? crypto.randomUUID(), "prefill"),
      haltAfterTokens: haltAfter(fault),
      cutsWhenHalted: cutsWhenHalted(fault),
      isAlive: () => this.#speech === speech,
      runs: this.#runs,
    });
  }

  #sideOf(): EngineSide {
    const { name } = this.#config;
    return {
      config: this.#config,
      engine: this.#engine,
      clock: this.#clock,
      totals: this.#ledger.totals,
      settings: () => this.#settings,
      complete: (api, request) => this.#complete(api, request),
      meet: async (engine, message) => {
        if (this.#faults.isIsolated) throw new Error("unreachable");
        return this.#world.meet(engine, message);
      },
      later: (promise) => this.#world.later(promise.catch(() => {})),
      linkFrom: (engine) => linkBetween(engine, name, this.#config, this.#settings.linkGbps),
      linkTo: (engine) => linkBetween(name, engine, this.#config, this.#settings.linkGbps),
      crash: () => {
        this.#crashes++;
        this.#restart();
      },
    };
  }

  #restart(kvTokens?: number): void {
    this.#speech = dialectNamed(this.#config.pool.dialect)(this.#side);
    this.#engine.restart(crypto.randomUUID(), this.#clock.now(), kvTokens);
    this.#clock.catchUp();
    // Those that wait for something else than the scheduler.
    for (const run of this.#runs) run.fail(RESTARTED);
  }

  #admin(request: Request, below: string): Promise<Response> {
    return admin(request, below, this.#world.adminToken, {
      ledger: () => {
        this.#clock.catchUp();
        const { entries, totals } = this.#ledger;
        const { encodedMedia, cachedMedia } = totals;
        const open = entries.filter(({ status }) => status === "running").length;
        const { engineId, load } = this.#engine;
        const crashes = this.#crashes;
        const media = { encodedMedia, cachedMedia };
        return { engine: this.#config.name, entries, open, engineId, crashes, ...media, ...load };
      },
      clearLedger: () => this.#ledger.clear(),
      setFault: (fault) => {
        this.#faults.set(fault);
        this.#engine.slowFactor = fault.fault === "slow" ? fault.factor : 1;
      },
      restart: () => this.#restart(),
      change: (settings) => {
        this.#settings = { ...this.#settings, ...settings };
        // A process cannot change its cache while it lives.
        if (settings.kvTokens !== undefined) this.#restart(settings.kvTokens);
      },
    });
  }
}

/** What is around an engine. */
export type World = {
  /** Real milliseconds per emulated millisecond. */
  readonly timeFactor: number;
  /** Bearer token of `/admin`; without one, nobody may. */
  readonly adminToken?: string | undefined;
  /** Asks another engine in its dialect; rejects when there is none or it failed. */
  readonly meet: (engine: string, message: unknown) => Promise<unknown>;
  /** Waits for what goes on after the answer. */
  readonly later: (promise: Promise<unknown>) => void;
};

const NOT_AN_OBJECT = {
  status: 400,
  code: "invalid_body",
  message: "The body must be a JSON object.",
};

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
