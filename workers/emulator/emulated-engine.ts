import { DurableObject } from "cloudflare:workers";
import { BlockStore } from "./block-store.ts";
import { engineConfig, STORE_PREFIX } from "./config.ts";
import { EngineProcess } from "./engine-process.ts";
import { fleetOf, storesOf, timeFactor, type EmulatorEnv } from "./env.ts";
import { parsePath } from "./path.ts";
import { failure } from "./problem.ts";

/** One emulated engine, or a store that engines share. Everything is in memory: an object that goes away is an engine that restarted. */
export class EmulatedEngine extends DurableObject<EmulatorEnv> {
  #process: EngineProcess | undefined;
  #store: BlockStore | undefined;

  override async fetch(request: Request): Promise<Response> {
    const path = parsePath(new URL(request.url).pathname);
    const process = path && this.#open(path.engine);
    if (!path || !process) return failure(404, "not_found", "The mesh has no such engine.");
    return process.fetch(request, path.below);
  }

  /** For another engine's object: what it says, and what it is answered, as JSON text. Throws for unknown engines. */
  async meet(name: string, from: string, message: string): Promise<string> {
    const said: unknown = JSON.parse(message);
    if (name.startsWith(STORE_PREFIX)) {
      return JSON.stringify(this.#openStore(name)?.meet(said) ?? null);
    }
    const process = this.#open(name);
    if (!process) throw new TypeError(`the mesh has no engine \`${name}\``);
    return JSON.stringify((await process.meet(said, from)) ?? null);
  }

  #openStore(name: string): BlockStore | undefined {
    const store = storesOf(this.env)[name.slice(STORE_PREFIX.length)];
    if (store) this.#store ??= new BlockStore(store.bytes);
    return this.#store;
  }

  #open(name: string): EngineProcess | undefined {
    if (this.#process) return this.#process;
    const kvTokens = Number(this.env.KV_TOKENS) || undefined;
    const config = engineConfig(fleetOf(this.env), name, kvTokens, storesOf(this.env));
    if (!config) return undefined;
    this.#process = new EngineProcess(config, {
      timeFactor: timeFactor(this.env),
      adminToken: this.env.EMULATOR_TOKEN,
      later: (promise) => this.ctx.waitUntil(promise),
      meet: async (engine, message) => {
        const stub = this.env.ENGINES.getByName(engine);
        const answer: unknown = JSON.parse(await stub.meet(engine, name, JSON.stringify(message)));
        return answer ?? undefined;
      },
    });
    return this.#process;
  }
}
