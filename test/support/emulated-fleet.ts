import type { Engine, Link, Model, Pool, Role } from "../../src/core/fleet.ts";
import { BlockStore } from "../../workers/emulator/block-store.ts";
import { STORE_PREFIX, type EngineConfig } from "../../workers/emulator/config.ts";
import { EngineProcess } from "../../workers/emulator/engine-process.ts";
import type { LedgerEntry } from "../../workers/emulator/ledger.ts";

/** Emulated engines of one small model in this process, which reach each other at once; time is the test's. */
export class EmulatedFleet {
  readonly #engines = new Map<string, EngineProcess>();
  readonly #store: BlockStore | undefined;

  constructor(
    pools: Readonly<Record<string, EmulatedPool>>,
    links: readonly EmulatedLink[] = [],
    store?: { readonly bytes: number; readonly gbps: number },
  ) {
    this.#store = store && new BlockStore(store.bytes);
    const all = new Map(Object.entries(pools).map(([id, pool]) => [id, poolOf(id, pool)]));
    const fleet = { pools: all, links: links.map((link) => ({ ...LINK, ...link })) };
    for (const [id, pool] of all) {
      const { kvTokens = 16_000 } = pools[id] ?? {};
      for (const { id: name } of pool.engines) {
        const sim = { ...SIM, kvTokens, maxBatch: pool.maxBatch };
        const config = { name, pool, model: MODEL, modelNames: new Set([MODEL.id]), fleet, sim };
        const shared = store && { store: { name: STORE_PREFIX, gbps: store.gbps } };
        this.#engines.set(name, this.#start({ ...config, ...shared }));
      }
    }
  }

  /** Sends a completion; a body that is text goes out as it is. */
  ask(engine: string, body: object | string, init: RequestInit = {}): Promise<Response> {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const path = "/v1/chat/completions";
    const request = new Request(`http://engine${path}`, { ...init, method: "POST", body: text });
    return this.#engine(engine).fetch(request, path);
  }

  get(engine: string, path: string): Promise<Response> {
    return this.#engine(engine).fetch(new Request(`http://engine${path}`), path);
  }

  /** Sends anything to any path. */
  send(engine: string, path: string, init: RequestInit): Promise<Response> {
    return this.#engine(engine).fetch(new Request(`http://engine${path}`, init), path);
  }

  post(engine: string, path: string): Promise<Response> {
    const request = new Request(`http://engine${path}`, { method: "POST" });
    return this.#engine(engine).fetch(request, path);
  }

  async admin(engine: string, action: string, body: object = {}): Promise<void> {
    const path = `/admin/${action}`;
    const init = { method: "POST", headers: ADMIN, body: JSON.stringify(body) };
    await this.#engine(engine).fetch(new Request(`http://engine${path}`, init), path);
  }

  async ledger(engine: string): Promise<EngineLedger> {
    const request = new Request("http://engine/admin/ledger", { headers: ADMIN });
    const response = await this.#engine(engine).fetch(request, "/admin/ledger");
    return (await response.json()) as EngineLedger;
  }

  #start(config: EngineConfig): EngineProcess {
    return new EngineProcess(config, {
      timeFactor: 1,
      adminToken: "test",
      later: () => {},
      meet: async (engine, message) => {
        // Objects of the emulator speak JSON to each other.
        const said: unknown = JSON.parse(JSON.stringify(message));
        if (engine === STORE_PREFIX) return this.#store?.meet(said);
        return this.#engine(engine).meet(said, config.name);
      },
    });
  }

  #engine(name: string): EngineProcess {
    const engine = this.#engines.get(name);
    if (!engine) throw new Error(`no engine ${name}`);
    return engine;
  }
}

export type EmulatedPool = {
  readonly dialect: string;
  readonly roles: readonly Role[];
  readonly engines?: number;
  readonly kvTokens?: number;
  /** Members of the pool and of its engines that only some dialects know. */
  readonly more?: Readonly<Record<string, unknown>>;
  readonly perEngine?: Readonly<Record<string, unknown>>;
};

export type EmulatedLink = Partial<Link> & Pick<Link, "from" | "to">;

export type EngineLedger = {
  readonly entries: readonly LedgerEntry[];
  readonly open: number;
  readonly running: number;
  readonly blocksHeld: number;
  readonly leasedBlocks: number;
  readonly crashes: number;
  readonly encodedMedia: number;
  readonly cachedMedia: number;
};

const ADMIN = { authorization: "Bearer test" };

const LINK: Omit<Link, "from" | "to"> = {
  transport: "rdma",
  gbps: 8,
  perFlowGbps: 8,
  rttMs: 0,
  usdPerGB: 0,
};

const MODEL: Model = {
  id: "small",
  params: 1,
  activeParams: 1,
  layers: 1,
  attnDim: 1,
  weightBytes: 1,
  kvBytesPerToken: 10_000,
  contextWindow: 8192,
  aliases: [],
  defaultOutputTokens: 16,
  template: { order: ["messages"], keepsReasoning: false },
};

/** 10 ms and a tenth per token of prefill, 5 ms and 1 per request of decode. */
const SIM = {
  speed: {
    prefillMs: (tokens: number, cached: number) =>
      tokens <= cached ? 0 : 10 + (tokens - cached) / 10,
    stepMs: (batch: number) => 5 + batch,
    kvTokens: 16_000,
    watts: 1,
    usdPerMs: 0,
  },
  kvBytesPerToken: MODEL.kvBytesPerToken,
  tiers: [{ bytes: 160e6, bytesPerS: 1e12 }],
};

function poolOf(id: string, { dialect, roles, engines = 1, more, perEngine }: EmulatedPool): Pool {
  const named = Array.from({ length: engines }, (_, number): Engine => {
    const name = `${id}/${number}`;
    return { id: name, pool: id, url: `http://127.0.0.1:9100/${name}`, ...perEngine };
  });
  return {
    id,
    model: MODEL.id,
    device: "none",
    devices: 1,
    region: "here",
    dialect,
    roles,
    routed: "us",
    maxBatch: 8,
    hypothetical: false,
    engines: named,
    ...more,
  };
}
