import type { Fleet } from "../core/fleet.ts";
import { regionOfShard } from "../core/shards.ts";
import type { RegionStub } from "../rpc/objects.ts";
import { pack, unpack } from "../rpc/packed.ts";
import type { RegionReport, RegionReserve } from "../rpc/region-messages.ts";
import { LegExchange, type WorkerBinding } from "./leg-exchange.ts";
import type { LegAhead, LegAnswer, LegOrder } from "./service.ts";

/**
 * Regions that have workers of their own, as an edge talks to them. A leg that may run ahead is reserved and begun in one
 * exchange, so that reserving costs no round trip and the prompt travels once.
 */
export class RegionWorkers {
  readonly #fleet: Fleet;
  readonly #bindingOf: (region: string) => WorkerBinding | undefined;
  /** Exchanges in which a leg waits or has begun, by ticket, until their callers run it. */
  readonly #begun = new Map<string, LegExchange>();

  constructor(fleet: Fleet, bindingOf: (region: string) => WorkerBinding | undefined) {
    this.#fleet = fleet;
    this.#bindingOf = bindingOf;
  }

  has(shard: string): boolean {
    return this.#bindingOfShard(shard) !== undefined;
  }

  /** The object of a shard, asked by way of its region's worker; undefined where there is none. */
  stub(shard: string, ahead: LegAhead | undefined): RegionStub | undefined {
    const worker = this.#bindingOfShard(shard);
    if (worker === undefined) return undefined;
    return {
      reserve: async (message) => {
        this.#dropLeft(message);
        if (ahead !== undefined) return this.#begin(worker, message, ahead);
        return (await post(worker, "/reserve", message)) as Answer<"reserve">;
      },
      claim: async (message) => {
        const exchange = this.#begun.get(message.ticket);
        if (exchange !== undefined) return exchange.claimed();
        return (await post(worker, "/claim", message)) as Answer<"claim">;
      },
      report: async (message) => {
        this.#dropLeft(message);
        return (await post(worker, "/report", message)) as Answer<"report">;
      },
    };
  }

  /** Runs a leg in the worker of its region; undefined where there is none, or it was lost: its caller does without. */
  async run(order: LegOrder, signal: AbortSignal): Promise<LegAnswer | undefined> {
    const pool = this.#fleet.pools.get(order.engine.slice(0, order.engine.lastIndexOf("/")));
    const worker = this.#bindingOf(pool?.region ?? "");
    const begun = this.#begun.get(order.ticket);
    this.#begun.delete(order.ticket);
    if (begun?.engine === order.engine) return begun.answer(order, signal);
    begun?.drop();
    if (worker === undefined) return undefined;
    return new LegExchange(worker, { v: 1, order }).answer(order, signal);
  }

  async #begin(worker: WorkerBinding, reserve: RegionReserve, ahead: LegAhead) {
    const ticket = reserve.wanted.ticket ?? "";
    const order = { ...ahead, ticket, engine: "" };
    const exchange = new LegExchange(worker, { v: 1, order, reserve });
    this.#begun.set(ticket, exchange);
    // Requests that the runtime ended leave theirs behind.
    for (const oldest of this.#begun.keys()) {
      if (this.#begun.size <= MOST_BEGUN) break;
      this.#begun.delete(oldest);
    }
    try {
      const reply = await exchange.reserved();
      if (!reply.ok || reply.answer.kind === "refused") this.#begun.delete(ticket);
      return reply;
    } catch (error) {
      this.#begun.delete(ticket);
      throw error;
    }
  }

  /** Who gives up a grant or a place in a queue does not want what would have run. */
  #dropLeft({ reports }: Pick<RegionReport, "reports">): void {
    for (const { ticket, event } of reports.events) {
      if (event !== "released" && event !== "withdrawn") continue;
      this.#begun.get(ticket)?.drop();
      this.#begun.delete(ticket);
    }
  }

  #bindingOfShard(shard: string): WorkerBinding | undefined {
    return this.#bindingOf(regionOfShard(this.#fleet, shard)?.id ?? "");
  }
}

const MOST_BEGUN = 1000;

type Answer<Call extends keyof RegionStub> = Awaited<ReturnType<RegionStub[Call]>>;

async function post(worker: WorkerBinding, path: string, message: unknown): Promise<unknown> {
  const response = await worker.fetch(`https://region${path}`, {
    method: "POST",
    body: pack(message),
  });
  if (!response.ok) throw new TypeError(`a region's worker answered ${response.status}`);
  return unpack(new Uint8Array(await response.arrayBuffer()));
}
