import { DurableObject } from "cloudflare:workers";
import { engineConfig } from "./config.ts";
import { EngineProcess } from "./engine-process.ts";
import { fleetOf, timeFactor, type EmulatorEnv } from "./env.ts";
import { parsePath } from "./path.ts";
import { failure } from "./problem.ts";

/** One emulated engine. Everything is in memory: an object that goes away is an engine that restarted. */
export class EmulatedEngine extends DurableObject<EmulatorEnv> {
  #process: EngineProcess | undefined;

  override async fetch(request: Request): Promise<Response> {
    const path = parsePath(new URL(request.url).pathname);
    const process = path && this.#open(path.engine);
    if (!path || !process) return failure(404, "not_found", "The mesh has no such engine.");
    return process.fetch(request, path.below);
  }

  /** For another engine's object: what it says, and what it is answered, as JSON text. Throws for unknown engines. */
  async meet(name: string, from: string, message: string): Promise<string> {
    const process = this.#open(name);
    if (!process) throw new TypeError(`the mesh has no engine \`${name}\``);
    const answer = await process.meet(JSON.parse(message), from);
    return JSON.stringify(answer ?? null);
  }

  #open(name: string): EngineProcess | undefined {
    if (this.#process) return this.#process;
    const config = engineConfig(fleetOf(this.env), name, Number(this.env.KV_TOKENS) || undefined);
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
